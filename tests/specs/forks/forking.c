/* Loaded before all else (LD_PRELOAD): a thread of its own that forks some time after the start. The child opens and
   reads a file and ends with the length of it; nothing else is allowed after a fork of a process with threads
   (fork(2), async-signal-safe functions only). How the child ended goes to a file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long microseconds;
static const char *path;
static int report;

static void *forks(void *nothing) {
    struct timespec wait = {microseconds / 1000000, microseconds % 1000000 * 1000};
    nanosleep(&wait, NULL);
    pid_t child = fork();
    if (child == 0) {
        char content[64];
        int file = open(path, O_RDONLY);
        ssize_t length = file < 0 ? 0 : read(file, content, sizeof content);
        _exit(length > 0 ? (int)length : 99);
    }
    int status = -1;
    waitpid(child, &status, 0);
    dprintf(report, "%d\n", status);
    close(report);
    return nothing;
}

__attribute__((constructor)) static void begin(void) {
    const char *number = getenv("FORKING_AFTER");
    const char *place = getenv("FORKING_REPORT");
    path = getenv("FORKING_PATH");
    if (number == NULL || place == NULL || path == NULL)
        return;
    microseconds = atol(number);
    report = open(place, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    pthread_t thread;
    if (pthread_create(&thread, NULL, forks, NULL) == 0)
        pthread_detach(thread);
}
