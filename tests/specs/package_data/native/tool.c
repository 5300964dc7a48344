/* A program that is bundled as data and linked statically. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments) {
    const char *word = getenv("WORD");
    int open_descriptors = 0;
    for (int descriptor = 3; descriptor < 256; descriptor++)
        if (lseek(descriptor, 0, SEEK_CUR) != -1) open_descriptors++;
    printf("tool: %d arguments, last %s, WORD %s, %d files\n", count, arguments[count - 1], word ? word : "unset", open_descriptors);
    return 5;
}
