/*
 * Preloaded into a node: a sync of a file takes as many milliseconds longer as the file named by
 * SLOW_DISK_FILE says. The file is read again while a sync waits, so that a stall can be ended
 * (test/support/slow-sync.c holds back syncs of programs without a C library too, but always equally long).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double told_ms(void) {
  const char *path = getenv("SLOW_DISK_FILE");
  char text[32];
  ssize_t length;
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  text[length] = '\0';
  return strtod(text, NULL);
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void wait_as_told(void) {
  const double began = now_ms();
  for (;;) {
    double left = told_ms() - (now_ms() - began);
    struct timespec piece;
    if (left <= 0) return;
    if (left > 10) left = 10;
    piece.tv_sec = 0;
    piece.tv_nsec = (long)(left * 1e6);
    nanosleep(&piece, NULL);
  }
}

typedef int sync_call(int);

int fdatasync(int file) {
  sync_call *real = (sync_call *)dlsym(RTLD_NEXT, "fdatasync");
  wait_as_told();
  return real(file);
}

int fsync(int file) {
  sync_call *real = (sync_call *)dlsym(RTLD_NEXT, "fsync");
  wait_as_told();
  return real(file);
}
