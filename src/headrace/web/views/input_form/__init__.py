"""Form of a flow's input, made from its JSON schema as the Globus web app makes it.

``shapes`` says which control each place of the input has, ``texts`` fills controls with a value,
``reading`` makes the value of what was typed, ``controls`` is the form as templates show it.

A control's name is a letter, a colon and the JSON pointer of its place: ``v:`` a text or a choice,
``c:``, ``i:`` and ``p:`` collection, id and path of a location, ``s:`` the name in the place of an
id, ``j:`` JSON, ``n:`` the number of items of a list, ``g:`` whether an optional group is given.
"""
