#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Prints its arguments, and which descriptors it has inherited; ends with 7. */
int main(int count, char **arguments) {
    for (int number = 1; number < count; number++) printf("%s ", arguments[number]);
    for (int number = 3; number < 1024; number++)
        if (fcntl(number, F_GETFD) != -1) printf("[%d]", number);
    printf("\n");
    return 7;
}
