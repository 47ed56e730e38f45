// SPDX-License-Identifier: MIT
//
// What is used here of libtracecmd and libtracefs, declared again: tracefs.h of Debian 12 (1.6.4), which
// trace-cmd.h includes, is not C++ (tracefs_hist_start passes 0 for an enum). Signatures as in both
// libraries' man pages.
#pragma once

#include <event-parse.h>
#include <sched.h>

// This one does not say that it is C.
extern "C" {
#include <kbuffer.h>
}

extern "C" {

struct tracecmd_input;
tracecmd_input* tracecmd_open(const char* file, int flags);
tep_handle* tracecmd_get_tep(tracecmd_input* handle);
int tracecmd_iterate_events(tracecmd_input* handle, cpu_set_t* cpus, int cpu_size,
                            int (*callback)(tracecmd_input*, tep_record*, int, void*), void* data);
int tracecmd_iterate_events_multi(tracecmd_input** handles, int count,
                                  int (*callback)(tracecmd_input*, tep_record*, int, void*), void* data);
int tracecmd_buffer_instances(tracecmd_input* handle);
tracecmd_input* tracecmd_buffer_instance_handle(tracecmd_input* handle, int index);
// Not in every version's map of symbols.
[[gnu::weak]] const char* tracecmd_get_trace_clock(tracecmd_input* handle);
void tracecmd_set_loglevel(tep_loglevel level);

struct tracefs_instance;
tracefs_instance* tracefs_instance_create(const char* name);
int tracefs_instance_destroy(tracefs_instance* instance);
void tracefs_instance_free(tracefs_instance* instance);
int tracefs_instance_file_write(tracefs_instance* instance, const char* file, const char* text);
int tracefs_instance_set_buffer_size(tracefs_instance* instance, size_t kilobytes, int cpu);
int tracefs_event_enable(tracefs_instance* instance, const char* system, const char* event);
int tracefs_trace_on(tracefs_instance* instance);
int tracefs_trace_off(tracefs_instance* instance);
tep_handle* tracefs_local_events_system(const char* tracing_dir, const char* const* systems);
int tracefs_set_tracing_dir(char* tracing_dir);
}
