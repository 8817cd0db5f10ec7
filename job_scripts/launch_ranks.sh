# Starts a Python program on the ranks of a job; sourced by the job scripts that need it.
#
#   launch_ranks PROGRAM ARGUMENTS...
#
#   HEADRACE_RANKS     number of ranks, all on this node; default: the job's tasks, on its nodes
#   HEADRACE_LAUNCHER  what starts the ranks, e.g. "srun --mpi=pmi2 -n 8"; default: mpiexec of
#                      the environment; none for a single rank
# shellcheck shell=bash

launch_ranks() {
    local program=$1
    shift
    local name=${program##*/}
    name=${name%.py}

    fail() {
        echo "$name: $1" >&2
        exit 1
    }

    [[ -f $program ]] || fail "${program##*/} not found; submit from the project directory"

    local ranks=${HEADRACE_RANKS:-${SLURM_NTASKS:-1}}
    [[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "number of ranks is '$ranks'; it must be at least 1"

    local python
    python=$(command -v python || command -v python3) || fail "no python in PATH; activate the environment"

    # One thread per rank: the ranks themselves fill the cores.
    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

    # A worker that srun or mpiexec started hands its own rank down; the new ranks are not that one.
    local inherited
    while IFS= read -r inherited; do
        unset "$inherited"
    done < <(compgen -e | grep -E '^(PMI_|PMI2_|PMIX_(RANK|NAMESPACE|SERVER_|ID|VERSION|SECURITY|GDS)|OMPI_COMM_WORLD_|OMPI_UNIVERSE_|PALS_|MPI_LOCAL)' || true)

    local launch=() mpiexec flavour
    if [[ -n ${HEADRACE_LAUNCHER:-} ]]; then
        read -ra launch <<<"$HEADRACE_LAUNCHER"
        command -v "${launch[0]}" >/dev/null || fail "no MPI: ${launch[0]} (HEADRACE_LAUNCHER) is not in PATH"
    elif ((ranks > 1)); then
        mpiexec=$(command -v mpiexec || command -v mpirun) ||
            fail "no MPI: $ranks ranks need mpiexec or mpirun in PATH; pip install mpi4py mpich, or ask for 1 rank"
        "$python" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("mpi4py") is None)' ||
            fail "no MPI: $ranks ranks need mpi4py in $python; pip install mpi4py mpich, or ask for 1 rank"
        launch=("$mpiexec" -n "$ranks")
        flavour=$("$mpiexec" --version 2>&1 || true)
        if [[ $flavour == *"Open MPI"* || $flavour == *OpenRTE* || $flavour == *PRRTE* ]]; then
            if ((EUID == 0)); then # Open MPI refuses root; in a container there is nobody else
                export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
                export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
            fi
            if [[ -n ${HEADRACE_RANKS:-} ]]; then
                export OMPI_MCA_ras=^slurm PRTE_MCA_ras=^slurm OMPI_MCA_plm=^slurm PRTE_MCA_plm=^slurm
                launch+=(--oversubscribe --bind-to none)
            fi
        elif [[ -n ${HEADRACE_RANKS:-} && $flavour == *HYDRA* ]]; then
            # Inside a job hydra would start its proxies with srun, which waits for a free step.
            launch+=(-launcher fork -hosts localhost -bind-to none)
        fi
    fi

    if ((ranks == 1)) && ((${#launch[@]} == 0)); then
        unset SLURM_STEP_NUM_TASKS SLURM_PROCID
    fi

    # exec: a signal to this job reaches the launcher itself, which ends its ranks.
    exec ${launch[@]+"${launch[@]}"} "$python" "$program" --ranks "$ranks" "$@"
}
