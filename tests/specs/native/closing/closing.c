/* Says when it is loaded and when it goes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls;
static __thread int calls_of_thread = 10;

static void say(const char *word) {
    if (write(1, word, strlen(word)) < 0)
        _exit(99);
}

__attribute__((constructor)) static void begin(void) { say("loaded\n"); }
__attribute__((destructor)) static void end(void) { say("closed\n"); }

int call(void) { return ++calls * 100 + ++calls_of_thread; }
