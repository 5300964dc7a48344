#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Calls between two looks at the clock. Of these batches the fastest counts: others use the processor as well. */
enum { BATCH = 500 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

/* Nanoseconds for one stat; negative when it fails. */
double measure_stat(const char *path, long batches) {
    struct stat status;
    double best = 1e18;
    while (batches-- > 0) {
        double start = now();
        for (int done = 0; done < BATCH; done++)
            if (stat(path, &status) != 0) return -1;
        double taken = (now() - start) / BATCH;
        if (taken < best) best = taken;
    }
    return best;
}

/* Nanoseconds for opening, reading and closing a small file; negative when that fails. */
double measure_read(const char *path, long batches) {
    char buffer[4096];
    double best = 1e18;
    while (batches-- > 0) {
        double start = now();
        for (int done = 0; done < BATCH; done++) {
            int file = open(path, O_RDONLY | O_CLOEXEC);
            if (file < 0 || read(file, buffer, sizeof buffer) <= 0) return -1;
            close(file);
        }
        double taken = (now() - start) / BATCH;
        if (taken < best) best = taken;
    }
    return best;
}
