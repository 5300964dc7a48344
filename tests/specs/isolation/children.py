"""What a child process gets of the environment."""

import subprocess

print(subprocess.run(["env"], stdout=subprocess.PIPE, check=True).stdout.decode())
