/* A shared library that is bundled as data. It asks the dynamic linker where it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int sample_twice(int number) { return 2 * number; }

int sample_where(char *buffer, int size) {
    Dl_info info;
    if (!dladdr((void *)sample_where, &info)) return -1;
    return snprintf(buffer, size, "%s", info.dli_fname);
}

/* Reads the first line of a file beside the library, as libraries do that look for their data so. */
int sample_beside(const char *name, char *buffer, int size) {
    char path[4096];
    if (sample_where(path, sizeof path) < 0) return -1;
    char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash + 1 - path) + strlen(name) >= sizeof path) return -2;
    strcpy(slash + 1, name);
    FILE *file = fopen(path, "r");
    if (!file) return -3;
    int length = fgets(buffer, size, file) ? (int)strlen(buffer) : -4;
    fclose(file);
    return length;
}
