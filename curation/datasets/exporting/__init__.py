"""From a frozen version to files: formats, validators, gates and what each line came from."""
