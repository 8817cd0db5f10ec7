"""The root of every error that headrace raises on purpose.

::

    HeadraceError
    ├── FlowLanguageError    flowlang: a definition, a path or an expression
    │   └── DefinitionError
    ├── FacilityError        facility: the local service, its store and its providers
    │   └── TransferError
    ├── HostedError          hosted: the Globus services
    ├── ComputeError         compute: endpoints, functions, batch jobs
    ├── ProjectError         project: headrace.toml, the lock file, deploying
    ├── TriggerError         triggers: trigger files and the ledger
    ├── CampaignError        campaigns: campaign files, their tables and the ledger
    ├── SeismicError         seismic: waveforms, windows, adjoint sources
    ├── DataRunError         datarun: event files, trace fits, histograms
    ├── MdError              md: legs of molecular dynamics
    ├── ErtError             ert: resistivity inversions
    └── RanksError           ranks: several processes that share a program's work
"""


class HeadraceError(Exception):
    """An expected failure, told in one line: what, where, and the way out.

    Attributes:
        exit_code: what the command line exits with: 1 failed, 2 usage, 4 login or consent needed.
    """

    exit_code: int = 1
