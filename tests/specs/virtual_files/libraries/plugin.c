#include <dlfcn.h>
#include <stddef.h>

int needed(void);

int answer(void) { return needed() + 1; }

/* By its bare name, which is found through this library's RUNPATH and no other's. */
int by_run_path(const char *name) {
    void *handle = dlopen(name, RTLD_NOW);
    return handle != NULL;
}
