/*
 * slow-sync MICROSECONDS COUNT_FILE COMMAND [ARGUMENT...]
 *
 * Runs a command whose every fdatasync and fsync takes so much longer, and counts them in the first 8 bytes of the
 * file. The kernel holds the calls back (a seccomp filter with a listener: seccomp_unotify(2)), so it makes no
 * difference whether they come through the C library or, as a Go program's do, straight from the program. The command
 * keeps the process id that was started; what answers the kernel is a child of it and dies with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#define WAITING_MAX 65536

static void fail(const char *what) {
  fprintf(stderr, "slow-sync: %s: %s\n", what, strerror(errno));
  exit(125);
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* From now on this process, its threads and its children ask the returned descriptor before they sync. */
static int hold_syncs(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsync, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
  /* With the second flag (Linux 5.19) a signal does not make a held call start anew. */
  long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
  if (listener < 0)
    listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) fail("seccomp");
  return (int)listener;
}

/* Lets each call go on when its time has come. All wait equally long, so the first in is the first out. */
static void answer(int listener, uint64_t delay_ns, volatile uint64_t *count) {
  static struct { uint64_t id, due_ns; } waiting[WAITING_MAX];
  uint64_t first = 0, end = 0;
  for (;;) {
    struct pollfd ready = {listener, POLLIN, 0};
    struct timespec until_due = {0, 0}, *timeout = NULL;
    if (first != end) {
      uint64_t now = now_ns(), due = waiting[first % WAITING_MAX].due_ns;
      uint64_t left = due > now ? due - now : 0;
      until_due.tv_sec = (time_t)(left / 1000000000u);
      until_due.tv_nsec = (long)(left % 1000000000u);
      timeout = &until_due;
    }
    if (ppoll(&ready, 1, timeout, NULL) > 0) {
      if (ready.revents & (POLLHUP | POLLERR)) return;
      struct seccomp_notif request;
      memset(&request, 0, sizeof request);
      /* Fails when the caller was killed meanwhile. */
      if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0 && end - first < WAITING_MAX) {
        waiting[end % WAITING_MAX].id = request.id;
        waiting[end % WAITING_MAX].due_ns = now_ns() + delay_ns;
        end++;
        ++*count;
      }
    }
    while (first != end && waiting[first % WAITING_MAX].due_ns <= now_ns()) {
      struct seccomp_notif_resp response;
      memset(&response, 0, sizeof response);
      response.id = waiting[first++ % WAITING_MAX].id;
      response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
      ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: slow-sync MICROSECONDS COUNT_FILE COMMAND [ARGUMENT...]\n");
    return 125;
  }
  uint64_t delay_ns = strtoull(argv[1], NULL, 10) * 1000u;
  int file = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof(uint64_t)) != 0) fail(argv[2]);
  volatile uint64_t *count = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (count == MAP_FAILED) fail("mmap");
  int listener = hold_syncs();
  pid_t command = getpid();
  pid_t answering = fork();
  if (answering < 0) fail("fork");
  if (answering == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != command) return 0;
    setsid();
    /* Pipes and channels of the command must close when the command closes them. */
    dup2(listener, 0);
    for (int other = 1; other < 1024; other++) close(other);
    answer(0, delay_ns, count);
    return 0;
  }
  close(listener);
  execvp(argv[3], argv + 3);
  fail(argv[3]);
}
