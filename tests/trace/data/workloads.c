// SPDX-License-Identifier: MIT
//
// What runs in the guest while it traces itself: workloads NAME [N]. Written so that what it does to mm_cpumask
// shows: threads are pinned, one to a CPU, and processes move when they say so.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBytes = 1 << 20, kTableBytes = 2 << 20, kMostCpus = 64 };

static int cpus;
static int rounds;

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu % cpus, &set);
  sched_setaffinity(0, sizeof set, &set);
}

// Threads on CPUs 1 and up; the caller is the one on CPU 0.
static void on_other_cpus(pthread_t* threads, void* (*run)(void*)) {
  pin(0);
  for (long cpu = 1; cpu < cpus; ++cpu) pthread_create(&threads[cpu], NULL, run, (void*)cpu);
}

static void run_true(void) {
  execl("/bin/true", "true", NULL);
  _exit(127);
}

static char* memory(void) {
  return mmap(NULL, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void* asleep(void* cpu) {
  pin((int)(long)cpu);
  while (rounds >= 0) pause();
  return NULL;
}

// Threads take turns, then the group exits with whoever sleeps.
static atomic_int turn;

static void* take_turns(void* cpu) {
  const int me = (int)(long)cpu;
  pin(me);
  for (int mine = me; mine < rounds * cpus; mine += cpus) {
    for (int now; (now = atomic_load(&turn)) != mine;)
      syscall(SYS_futex, &turn, FUTEX_WAIT, now, NULL, NULL, 0);
    atomic_fetch_add(&turn, 1);
    syscall(SYS_futex, &turn, FUTEX_WAKE, kMostCpus, NULL, NULL, 0);
  }
  return NULL;
}

static void server(int n) {
  pthread_t threads[kMostCpus];
  rounds = n;
  on_other_cpus(threads, take_turns);
  take_turns(0);
  _exit(0);
}

// Threads exit one by one, the first one first.
static void* leave_in_turn(void* cpu) {
  pin((int)(long)cpu);
  usleep(3000 * (useconds_t)(long)cpu);
  return NULL;
}

static void leave(int n) {
  pthread_t threads[kMostCpus];
  (void)n;
  on_other_cpus(threads, leave_in_turn);
  pthread_exit(NULL);
}

// A process that leaves a CPU behind, forks, and lets the child wander before it exits.
static void wander(int n) {
  for (int i = 0; i < n; ++i) {
    pin(i);
    pin(i + 1);
    if (fork() == 0) {
      for (int stop = 0; stop < 9; stop += 3) pin(stop);
      _exit(0);
    }
    wait(NULL);
  }
}

// A process of threads on all CPUs forks: no fork of its trims.
static void fork_of_many(int n) {
  pthread_t threads[kMostCpus];
  on_other_cpus(threads, asleep);
  for (int i = 0; i < n; ++i)
    if (fork() == 0) {
      pin(i);
      _exit(0);
    }
  for (int i = 0; i < n; ++i) wait(NULL);
  _exit(0);
}

// Another thread than the first executes, and the others are asleep on all CPUs.
static void* exec_there(void* cpu) {
  pin((int)(long)cpu);
  run_true();
  return NULL;
}

static void exec_of_many(int n) {
  pthread_t threads[kMostCpus];
  (void)n;
  on_other_cpus(threads, asleep);
  usleep(20000);
  pthread_create(&threads[0], NULL, exec_there, (void*)2L);
  asleep(0);
}

// Processes of three threads are killed, asleep or running.
static void* yield(void* cpu) {
  pin((int)(long)cpu);
  while (rounds >= 0) sched_yield();
  return NULL;
}

static void kill_many(int n) {
  for (int i = 0; i < n; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      pthread_t thread;
      pthread_create(&thread, NULL, i % 2 ? yield : asleep, (void*)3L);
      pthread_create(&thread, NULL, asleep, (void*)5L);
      asleep((void*)1L);
    }
    usleep(20000);
    kill(pid, i % 3 ? SIGKILL : SIGSEGV);
    wait(NULL);
  }
}

// Processes make processes, down to `depth`, more than there are CPUs.
static void tree(int depth) {
  if (depth == 0) run_true();
  for (int i = 0; i < 2; ++i)
    if (fork() == 0) {
      tree(depth - 1);
      _exit(0);
    }
  wait(NULL);
  wait(NULL);
}

// A process of one thread flushes its TLB on every CPU that it comes to.
static void flush_alone(int n) {
  char* const bytes = memory();
  for (int i = 0; i < n; ++i) {
    pin(i);
    memset(bytes, i, kBytes);
    madvise(bytes, kBytes, MADV_DONTNEED);
  }
}

// Threads flush at a time.
static void* flush(void* cpu) {
  char* const bytes = memory();
  pin((int)(long)cpu);
  for (int i = 0; i < rounds; ++i) {
    memset(bytes, i, kBytes);
    madvise(bytes, kBytes, MADV_DONTNEED);
  }
  return NULL;
}

static void flush_together(int n) {
  pthread_t threads[kMostCpus];
  rounds = n;
  on_other_cpus(threads, flush);
  flush(0);
  for (int cpu = 1; cpu < cpus; ++cpu) pthread_join(threads[cpu], NULL);
}

// Processes of n page tables each, one zero page in each, leave some CPUs lazy on them and die.
static void tables(int n) {
  const size_t bytes = (size_t)n * kTableBytes;
  for (int i = 0; i < 3; ++i) {
    if (fork() == 0) {
      pthread_t threads[kMostCpus];
      volatile char* const pages = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      madvise((void*)pages, bytes, MADV_NOHUGEPAGE);
      for (size_t at = 0; at < bytes; at += kTableBytes) (void)pages[at];
      on_other_cpus(threads, asleep);
      // Until the kernel's futex hash lets go of the mm (futex_ref_drop), so that a thread is its last user.
      usleep(700000);
      _exit(0);
    }
    wait(NULL);
  }
}

// Unmaps whole page tables, four at a time, while the other threads sleep.
static void unmap(int n) {
  pthread_t threads[kMostCpus];
  on_other_cpus(threads, asleep);
  for (int i = 0; i < n; ++i) {
    usleep(20000);
    char* const bytes = mmap(NULL, 4 * kTableBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(bytes, 4 * kTableBytes, MADV_NOHUGEPAGE);
    for (int at = 0; at < 4; ++at) bytes[at * kTableBytes] = 1;
    munmap(bytes, 4 * kTableBytes);
  }
  _exit(0);
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(int);
  } kAll[] = {{"server", server},
              {"leave", leave},
              {"wander", wander},
              {"fork-of-many", fork_of_many},
              {"exec-of-many", exec_of_many},
              {"kill-many", kill_many},
              {"tree", tree},
              {"flush-alone", flush_alone},
              {"flush-together", flush_together},
              {"tables", tables},
              {"unmap", unmap}};
  cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
  for (size_t i = 0; argc > 1 && i < sizeof kAll / sizeof *kAll; ++i)
    if (strcmp(argv[1], kAll[i].name) == 0) {
      kAll[i].run(argc > 2 ? atoi(argv[2]) : 1);
      return 0;
    }
  fprintf(stderr, "workloads NAME [N]\n");
  return 2;
}
