// SPDX-License-Identifier: MIT
//
// Traces as people have them: docs/traces.md's table of forms, line by line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/trace_file.h"
#include "trace/open.h"

namespace mmscale::trace {
namespace {

using testing::HasSubstr;

constexpr std::string_view kFolder = MMSCALE_TESTDATA "/field/";

Facts facts_of(const std::string& path, Filter filter = {}) { return Trace(path, std::move(filter)).facts(); }
Facts facts_of_text(std::string_view content) { return facts_of(File(content).path()); }

std::string refusal(const std::string& path, Filter filter = {}) {
  try {
    facts_of(path, std::move(filter));
    return "none";
  } catch (const TraceError& error) {
    return error.what();
  }
}
std::string refusal_of_text(std::string_view content) { return refusal(File(content).path()); }

std::vector<Event> events_of_text(std::string_view content) { return read_all(File(content).path()); }

struct Counts {
  std::uint64_t switches, vforks, forks, execs, exits;
  bool operator==(const Counts&) const = default;
  friend void PrintTo(const Counts& c, std::ostream* out) {
    *out << c.switches << " switches, " << c.vforks << " vforks, " << c.forks << " forks, " << c.execs
         << " execs, " << c.exits << " exits";
  }
};
Counts counts(const Facts& facts) {
  return {facts.switches, facts.vforks, facts.forks, facts.execs, facts.exits};
}

// What is read gives the counts of the scheduler's events alone (here: what grep counts of their lines), and no switch
// that is not there.
struct Form {
  const char* file;
  std::string_view format;
  Counts counts;
};
constexpr Counts kReport{46, 6, 0, 6, 5};
constexpr Counts kPerfCounts{37, 3, 0, 4, 4};
constexpr Form kForms[] = {
    {"kernel-stack.txt.gz", "ftrace text", {35, 3, 1, 4, 4}},
    {"kernel-ustack.txt.gz", "ftrace text", {33, 3, 1, 4, 4}},
    {"kernel-tgid.txt.gz", "ftrace text", {29, 3, 1, 4, 4}},
    {"kernel-latency.txt.gz", "ftrace text", {37, 3, 1, 4, 4}},
    {"kernel-fields.txt.gz", "ftrace text", {39, 3, 1, 4, 4}},
    {"kernel-noirq.txt.gz", "ftrace text", {29, 3, 1, 4, 4}},
    {"kernel-marker.txt.gz", "ftrace text", {49, 3, 1, 4, 4}},
    {"kernel-tai.txt.gz", "ftrace text", {32, 3, 1, 4, 4}},
    {"report-default.txt.gz", "trace-cmd report", kReport},
    {"report-R.txt.gz", "trace-cmd report", kReport},
    {"report-N.txt.gz", "trace-cmd report", kReport},
    {"report-l.txt.gz", "trace-cmd report", kReport},
    {"report-t.txt.gz", "trace-cmd report", kReport},
    {"report-tsdiff.txt.gz", "trace-cmd report", kReport},
    {"report-debug.txt.gz", "trace-cmd report", kReport},
    {"report-stack.txt.gz", "trace-cmd report", {23, 3, 0, 3, 2}},
    {"perf-default.txt.gz", "perf script text", kPerfCounts},
    {"perf-pid.txt.gz", "perf script text", kPerfCounts},
    {"perf-flags.txt.gz", "perf script text", kPerfCounts},
    {"perf-nocomm.txt.gz", "perf script text", kPerfCounts},
    {"perf-notid.txt.gz", "perf script text", kPerfCounts},
    {"perf-task-events.txt.gz", "perf script text", kPerfCounts},
    {"perf-chain.txt.gz", "perf script text", {34, 3, 0, 0, 4}},
    {"perf-srcline.txt.gz", "perf script text", {34, 3, 0, 0, 4}},
    {"stack-traces.txt", "ftrace text", {2, 0, 0, 0, 0}},
    {"perf-reaped-thread.txt", "perf script text", {2, 0, 0, 0, 1}},
    {"trace-cmd-report.txt", "trace-cmd report", {3, 0, 0, 0, 0}},
    {"trace-cmd-report-without-head.txt", "ftrace text", {3, 0, 0, 0, 0}},
};

TEST(Field, WhatIsReadGivesTheCountsOfTheSchedulersEventsAlone) {
  for (const Form& form : kForms) {
    SCOPED_TRACE(form.file);
    const Facts facts = facts_of(std::string(kFolder) + form.file);
    EXPECT_EQ(facts.format, form.format);
    EXPECT_EQ(counts(facts), form.counts);
    EXPECT_EQ(facts.of(Oddity::missed_switch).count, 0u);
    EXPECT_EQ(facts.of(Oddity::time_back).count, 0u);
  }
}

// The events of one trace, whatever it was printed with.
TEST(Field, EveryFormOfAReportSaysTheSame) {
  const auto read = [](const char* name, Filter filter = {}) {
    const Trace trace(std::string(kFolder) + "report-" + name + ".txt.gz", std::move(filter));
    std::vector<Event> events;
    Trace::Pass pass(trace);
    for (Event event; pass.next(event);) events.push_back(event);
    return events;
  };
  const auto plain = read("default");
  ASSERT_GT(plain.size(), 60u);
  const auto compare = [&](const char* name, const std::vector<Event>& events) {
    SCOPED_TRACE(name);
    ASSERT_EQ(events.size(), plain.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].kind, plain[i].kind) << i;
      EXPECT_EQ(events[i].cpu, plain[i].cpu) << i;
      EXPECT_EQ(events[i].pid, plain[i].pid) << i;
      EXPECT_EQ(events[i].other, plain[i].other) << i;
      EXPECT_EQ(events[i].other_comm, plain[i].other_comm) << i;
      EXPECT_EQ(events[i].flags, plain[i].flags) << i;
      // The plugin's letters are not the kernel's: it has X for Z.
      if (plain[i].state != 'X') {
        EXPECT_EQ(events[i].state, plain[i].state) << i;
      }
      EXPECT_NEAR(static_cast<double>(events[i].time_ns), static_cast<double>(plain[i].time_ns), 1000) << i;
    }
  };
  for (const char* name : {"R", "N", "l", "t", "tsdiff", "debug"}) compare(name, read(name));
  compare("rawts", read("rawts", {.tick_rate = 1e9}));
}

struct Refused {
  const char* file;
  const char* says;
};

TEST(Field, WhatCannotBeReadSaysWhatItIsAndWhatToRun) {
  const Refused refused[] = {
      {"kernel-raw.txt.gz", "option raw"},
      {"kernel-nocontext.txt.gz", "context-info"},
      {"kernel-verbose.txt.gz", "option verbose"},
      {"kernel-counter.txt.gz", "trace_clock counter"},
      {"counter-clock.txt", "--tick-rate"},
      {"counter.dat", "its clock is counter"},
      {"report-rawts.txt.gz", "--tick-rate"},
      {"perf-nocpu.txt.gz", "perf script -F +cpu"},
      {"perf-notime.txt.gz", "perf script -F +time"},
      {"perf-deltatime.txt.gz", "--deltatime"},
  };
  for (const Refused& one : refused) {
    const std::string error = refusal(std::string(kFolder) + one.file);
    EXPECT_THAT(error, HasSubstr(one.says)) << one.file;
    EXPECT_EQ(error.find('\n'), std::string::npos) << one.file;
  }
}

TEST(Field, OtherProgramsFilesAreNamed) {
  const std::pair<std::string, const char*> foreign[] = {
      {"PERFILE2 and more", "perf script"},
      {"\xfd"
       "7zXZ and more",
       "unpack it first"},
      {"<!DOCTYPE html>\n<html>", "systrace"},
      {"{\"traceEvents\": []}", "JSON"},
      {std::string("\xff\xfe#\0 \0", 6), "UTF-16"},
      {"\x7f"
       "ELF....",
       "a program"},
      {std::string("\1\2\0\3", 4), "binary"},
      {"capturing trace... done\nTRACE:\n\x78\x9c and more\n", "atrace -z"},
      {" 0)   1.2 us    |  schedule();\n", "function_graph"},
      {"           time    cpu  task name            wait time\n", "timehist"},
      {"a.dat: cpus=2\na.dat:    <idle>-0     [000]    81.2: sched_switch: x\n", "one at a time"},
      {"          <idle>-0     [000]    81.200010: sched_switch:  swapper/0:0 [120] R ==> a:733 [120]\n"
       "other:          <idle>-0     [000]    81.200011: sched_switch:  swapper/0:0 [120] R ==> a:733 "
       "[120]\n",
       "several buffers"},
      {"what is this\n", "not 'TASK-PID [CPU]"},
  };
  for (const auto& [content, says] : foreign)
    EXPECT_THAT(refusal_of_text(content), HasSubstr(says)) << content;
}

TEST(Field, TextBehindGzipIsRefusedAndAnotherMemberIsRead) {
  const auto gzip = [](const std::string& text) {
    const File file("");
    gzFile packed = gzopen(file.path().c_str(), "wb");
    gzwrite(packed, text.data(), static_cast<unsigned>(text.size()));
    gzclose(packed);
    std::ifstream in(file.path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string line =
      "a-7 [000] 1.5: sched_switch: prev_comm=a prev_pid=7 prev_prio=1 prev_state=S ==> next_comm=b "
      "next_pid=8 "
      "next_prio=1\n";
  EXPECT_EQ(facts_of_text(gzip(line) + gzip(line)).switches, 2u);
  EXPECT_EQ(facts_of_text(gzip(line) + std::string(512, '\0')).switches, 1u) << "a tape's padding";
  EXPECT_THAT(refusal_of_text(gzip(line) + line), HasSubstr("follows the gzip data"));
  EXPECT_THAT(refusal_of_text(gzip(std::string(20 << 20, '#').replace(0, 1, "\n"))),
              HasSubstr("longer than"));
  std::string comments;
  for (int i = 0; i < 400; ++i) comments += std::string(60'000, '#') + '\n';
  EXPECT_THAT(refusal_of_text(gzip(comments)), HasSubstr("unpacks to more than"));
}

TEST(Field, TicksAreTakenWithAStatedRate) {
  const Facts facts = facts_of(std::string(kFolder) + "counter-clock.txt", {.tick_rate = 1e6});
  EXPECT_EQ(facts.switches, 2u);
  EXPECT_EQ(facts.last_ns - facts.first_ns, 528'000u);
  EXPECT_EQ(facts_of(std::string(kFolder) + "counter.dat", {.tick_rate = 1e6}).last_ns, 9'000'000u);
  EXPECT_THAT(refusal(std::string(kFolder) + "stack-traces.txt", {.tick_rate = 1e6}),
              HasSubstr("does not apply"));
  EXPECT_THAT(refusal(std::string(kFolder) + "le64.dat", {.tick_rate = 1e6}), HasSubstr("does not apply"));
  EXPECT_THAT(refusal(std::string(kFolder) + "perf-pid.txt.gz", {.tick_rate = 1e6}),
              HasSubstr("does not apply"));
}

TEST(Field, DatFilesOfEveryMachineSayTheSame) {
  for (const char* name : {"le64", "be64", "le32", "be32", "buffers"}) {
    SCOPED_TRACE(name);
    const Facts facts = facts_of(std::string(kFolder) + name + ".dat");
    EXPECT_EQ(counts(facts), (Counts{5, 0, 1, 1, 1}));
    EXPECT_EQ(facts.threads, 1u);
    EXPECT_EQ(facts.died, 2u);
    EXPECT_EQ(facts.cpus.size(), 2u);
    EXPECT_EQ(facts.first_ns, 1000u);
    EXPECT_EQ(facts.last_ns, 9000u);
    EXPECT_EQ(facts.of(Oddity::missed_switch).count, 0u);
  }
}

constexpr std::string_view kNext = " ==> next_comm=b next_pid=8 next_prio=120\n";

TEST(Field, ACommMayLookLikeAnything) {
  const std::string tail = " prev_pid=77 prev_prio=-1 prev_state=S" + std::string(kNext);
  for (const std::string comm : {"a-5 [0] 7.0: x", "a ==> b", "x prev_pid=5", " ==> next_comm=", "]",
                                 "a:5 [1] R ==> b", "-1", "1-2-3"}) {
    // As the kernel pads it.
    const std::string padded =
        std::string(16 - std::min<std::size_t>(comm.size(), 15) - (comm.size() > 15 ? 1 : 0), ' ') +
        comm.substr(0, 15);
    const std::string short_comm = comm.substr(0, 15);
    const auto events =
        events_of_text("# tracer: nop\n" + padded +
                       "-77      [003] d....  1.5: sched_switch: prev_comm=" + short_comm + tail);
    ASSERT_EQ(events.size(), 1u) << comm;
    EXPECT_EQ(events[0].pid, 77) << comm;
    EXPECT_EQ(events[0].cpu, 3u) << comm;
    EXPECT_EQ(events[0].other, 8) << comm;
    EXPECT_EQ(events[0].comm.view(), short_comm) << comm;
    EXPECT_EQ(events[0].other_comm.view(), "b") << comm;
    const auto next = events_of_text(
        "# tracer: nop\n          <idle>-0 [003] 1.5: sched_switch: prev_comm=swapper/3 "
        "prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=" +
        short_comm + " next_pid=77 next_prio=120\n");
    EXPECT_EQ(next.at(0).other, 77) << comm;
    EXPECT_EQ(next.at(0).other_comm.view(), short_comm) << comm;
    const auto perf = events_of_text(
        padded + "    77/77    [003]     1.500000: sched:sched_switch: prev_comm=" + short_comm + tail);
    EXPECT_EQ(perf.at(0).pid, 77) << comm;
    EXPECT_EQ(perf.at(0).cpu, 3u) << comm;
  }
}

TEST(Field, StatesOfAllKernels) {
  const std::pair<const char*, char> states[] = {{"R", 'R'},     {"R+", 'R'},  {"S", 'S'},   {"D|K", 'D'},
                                                 {"I", 'I'},     {"D|N", 'I'}, {"x", 'x'},   {"1", 'S'},
                                                 {"2", 'D'},     {"0", 'R'},   {"256", 'R'}, {"128", 'I'},
                                                 {"0x402", 'I'}, {"32", 'Z'},  {"X|Z", 'X'}};
  for (const auto& [text, letter] : states) {
    const auto events = events_of_text(
        "# tracer: nop\na-7 [000] 1.5: sched_switch: prev_comm=a prev_pid=7 prev_prio=1 "
        "prev_state=" +
        std::string(text) + std::string(kNext));
    EXPECT_EQ(events.at(0).state, letter) << text;
  }
}

TEST(Field, OldKernelsAndOldPrograms) {
  const auto events = events_of_text(
      "# tracer: nop\r\n"
      "            bash-4251  [001]  8152.626123: sched_switch: task bash:4251 [120] (S) ==> swapper:0 "
      "[140]\r\n"
      "            bash-4251  [001]  8152.626223: sched_process_fork: parent bash:4251  child bash:4252\r\n"
      "            bash-4252  [001]  8152.626323: sched_process_exit: task bash:4252 [120]\r\n");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].state, 'S');
  EXPECT_EQ(events[0].other, 0);
  EXPECT_EQ(events[1].other, 4252);
  EXPECT_EQ(events[2].pid, 4252);
}

TEST(Field, AtraceHeadsAndDropsOfAllKinds) {
  const auto facts = facts_of_text(
      "capturing trace... done\nTRACE:\n# tracer: nop\n#\n"
      "          <idle>-0     (-----) [001] d..3  5.120000: sched_switch: prev_comm=swapper/1 prev_pid=0 "
      "prev_prio=120 "
      "prev_state=R ==> next_comm=RenderThread next_pid=733 next_prio=110\n"
      "CPU:0 [LOST 5 EVENTS]\nCPU:1 [EVENTS DROPPED]\n"
      "    RenderThread-733   (  700) [001] d..3  5.130000: sched_switch: prev_comm=RenderThread "
      "prev_pid=733 "
      "prev_prio=110 prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120\n");
  EXPECT_EQ(facts.switches, 2u);
  EXPECT_EQ(facts.of(Oddity::lost).count, 6u);
  ASSERT_EQ(facts.origins.size(), 1u);
  EXPECT_EQ(facts.origins[0].tgid, 700);
}

// perf in a container: its own pids are the container's, the tracepoints' the machine's.
TEST(Field, PidsOfAnotherNamespaceAreNotBelieved) {
  const auto facts = facts_of_text(
      "         swapper     0/0     [001]   7.100000: sched:sched_switch: prev_comm=swapper/1 prev_pid=0 "
      "prev_prio=120 "
      "prev_state=R ==> next_comm=sh next_pid=5120 next_prio=120\n"
      "              sh    12/12    [001]   7.100100: sched:sched_process_exec: filename=/bin/sh pid=5120 "
      "old_pid=5120\n"
      "              sh    12/12    [001]   7.100200: task:task_newtask: pid=5121 comm=sh "
      "clone_flags=1200011 "
      "oom_score_adj=0\n"
      "              sh    12/12    [001]   7.100300: sched:sched_process_exit: comm=sh pid=5120 prio=120\n"
      "             :-1    -1/-1    [001]   7.100400: sched:sched_switch: prev_comm=sh prev_pid=5120 "
      "prev_prio=120 "
      "prev_state=X ==> next_comm=swapper/1 next_pid=0 next_prio=120\n");
  EXPECT_EQ(counts(facts), (Counts{2, 0, 1, 1, 1}));
  EXPECT_EQ(facts.of(Oddity::missed_switch).count, 0u);
  EXPECT_EQ(facts.origins.size(), 1u) << "the container's pid 12 is no task of its own";
}

TEST(Field, LostChunksOfPerf) {
  const std::string line =
      "a 7 [000] 1.5: sched:sched_switch: prev_comm=a prev_pid=7 prev_prio=1 prev_state=S ==> next_comm=b "
      "next_pid=8 "
      "next_prio=1\n";
  const auto facts = facts_of_text(line + "swapper 0 [000] 1.6: PERF_RECORD_LOST lost 12\n" +
                                   "Processed 95 events and lost 2 chunks!\n\nCheck IO/CPU overload!\n");
  EXPECT_EQ(facts.of(Oddity::lost).count, 13u);
}

// A damaged stamp: 2^64 ps, which the simulator counts in, are 213.5 days.
TEST(Field, ATraceOfTwoHundredDaysIsADamagedOne) {
  std::ifstream in(MMSCALE_TESTDATA "/by_hand.trace");
  std::string text(std::istreambuf_iterator<char>(in), {});
  const std::string stamp = " 1.029000: sched_process_exit";
  const std::size_t at = text.find(stamp);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, stamp.size(), " 18500000.0: sched_process_exit");
  EXPECT_THAT(refusal_of_text(text), HasSubstr("a damaged time stamp?"));
}

TEST(Field, ACutLineIsNoEventOfNoConsequence) {
  EXPECT_THAT(refusal_of_text("# tracer: nop\n a-7 [000] 1.5: sched_switch:"),
              HasSubstr("line 2: sched_switch"));
  EXPECT_THAT(refusal_of_text("# tracer: nop\n a-7 [000] 1.5: sched_switch"),
              HasSubstr("line 2: sched_switch"));
  EXPECT_THAT(refusal_of_text("a 7 [000] 1.5: sched:sched_switch:"), HasSubstr("line 1: sched_switch"));
}

}  // namespace
}  // namespace mmscale::trace
