#define _GNU_SOURCE
#include <dlfcn.h>

int needed(void) { return 41; }

/* Where the dynamic linker says that this library is. */
const char *where(void) {
    Dl_info info;
    return dladdr((void *)needed, &info) ? info.dli_fname : "";
}
