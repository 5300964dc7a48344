

# A directory that is there is in no zip archive: the executable, a file above it, must not be taken for one.
def _without_archives(reader):
    candidates = getattr(reader, "_resolve_zip_path", None)
    if candidates is None:
        return

    def _resolve_zip_path(path_str):
        return () if pathlib.Path(path_str).is_dir() else candidates(path_str)

    reader._resolve_zip_path = staticmethod(_resolve_zip_path)


_without_archives(NamespaceReader)
del _without_archives
