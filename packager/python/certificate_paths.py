"""Where the interpreter's OpenSSL was built to look for certificates, as a JSON list on stdout: file, directory."""

import json

import _ssl


def main() -> None:
    _, file, _, directory = _ssl.get_default_verify_paths()
    # On a line of its own: sitecustomize and .pth files may have printed before.
    print("\n" + json.dumps([file, directory]))


if __name__ == "__main__":
    main()
