// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/trace_file.h"
#include "trace/compact.h"
#include "trace/open.h"
#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What is wrong with a file of that content; empty if nothing is.
std::string complaint(std::string_view content, const char* suffix = "") {
  const File file(content, suffix);
  try {
    read_all(file.path());
    return {};
  } catch (const TraceError& error) {
    return error.what();
  }
}

constexpr std::string_view kFtrace =
    "# tracer: nop\n"
    "# entries-in-buffer/entries-written: 5/9   #P:2\n"
    "   Web Content-12    (  10) [001] d..2.   12.345678: sched_switch: prev_comm=Web Content prev_pid=12 "
    "prev_prio=120 prev_state=R+ ==> next_comm=a b=c next_pid=7 next_prio=120\n"
    "CPU:1 [LOST 34 EVENTS]\n"
    "     od[000]d-7 (-------) [001] .... 12.345679: task_newtask: pid=8 comm=x pid=9 clone_flags=3d0f00 "
    "oom_score_adj=0\n"
    " => some_function\n"
    "            sh-8     [000] 13.000000001: sched_process_exec: filename=/a b pid=8 old_pid=9\n"
    "            sh-8     [000] d.... 13.1: sched_process_exit: comm=sh pid=8 prio=120\n"
    "          <idle>-0   [000] d.h.. 13.2: csd_queue_cpu: cpu=5 callsite=f+0xf4/0x148 "
    "func=do_exit_flush_lazy_tlb "
    "csd=0000000018de7692\n"
    "          <idle>-0   [000] d.h.. 13.3: some_function <-other\n";

TEST(FtraceText, ReadsWhatTheKernelPrints) {
  const File file(kFtrace);
  const auto events = read_all(file.path());
  ASSERT_EQ(events.size(), 8u);
  EXPECT_EQ(events[0].kind, Kind::lost);
  EXPECT_EQ(events[0].count, 4u);
  EXPECT_EQ(events[1].kind, Kind::switched);
  EXPECT_EQ(events[1].time_ns, 12'345'678'000u);
  EXPECT_EQ(events[1].cpu, 1u);
  EXPECT_EQ(events[1].pid, 12);
  EXPECT_EQ(events[1].tgid, 10);
  EXPECT_EQ(events[1].comm.view(), "Web Content");
  EXPECT_EQ(events[1].other_comm.view(), "a b=c");
  EXPECT_EQ(events[1].other, 7);
  EXPECT_EQ(events[1].state, 'R');
  EXPECT_EQ(events[2].kind, Kind::lost);
  EXPECT_EQ(events[2].count, 34u);
  EXPECT_EQ(events[3].kind, Kind::newtask);
  EXPECT_EQ(events[3].pid, 7);
  EXPECT_EQ(events[3].other, 8);
  EXPECT_EQ(events[3].flags, 0x3d0f00u);
  EXPECT_EQ(events[4].kind, Kind::exec);
  EXPECT_EQ(events[4].time_ns, 13'000'000'001u);
  EXPECT_EQ(events[4].other, 9);
  EXPECT_EQ(events[4].comm.view(), "a b") << "what the kernel calls it from here on";
  EXPECT_EQ(events[5].kind, Kind::exit);
  EXPECT_EQ(events[6].kind, Kind::ipi);
  EXPECT_EQ(events[6].call, Call::exit_flush);
  EXPECT_EQ(events[7].kind, Kind::seen);
}

TEST(FtraceText, MayBeGzipped) {
  const File plain(kFtrace);
  const File packed(kFtrace, ".gz");
  EXPECT_EQ(read_all(plain.path()).size(), read_all(packed.path()).size());
}

TEST(FtraceText, NamesTheLineThatMakesNoSense) {
  EXPECT_THAT(complaint("# tracer: nop\nhello\n"), HasSubstr(": line 2: not 'TASK-PID [CPU]"));
  EXPECT_THAT(complaint("# tracer: nop\n sh-8 [000] d.... 1.0: sched_switch: prev_comm=sh prev_pi"),
              HasSubstr(": line 2: sched_switch without"));
  EXPECT_THAT(complaint("# tracer: nop\n sh-8 [9999] d.... 1.0: x: y\n"), HasSubstr(": line 2: "));
  EXPECT_THAT(complaint("# tracer: nop\n sh-99999999 [0] d.... 1.0: x: y\n"), HasSubstr(": line 2: "));
  EXPECT_THAT(complaint("# tracer: nop\n sh-8 [0] d.... 99999999999.0: x: y\n"), HasSubstr(": line 2: "));
  EXPECT_THAT(complaint("# tracer: nop\n" + std::string(70000, 'x')), HasSubstr(": line 2: longer than"));
  EXPECT_THAT(complaint(""), HasSubstr(": empty"));
}

TEST(FtraceText, ACutGzipIsNoEnd) {
  std::string text(kFtrace);
  for (int i = 0; i < 500; ++i)
    text += "sh-8 [000] d.... 13." + std::to_string(1000 + i * 7919 % 1000) + ": x: y" +
            std::to_string(i * i) + "\n";
  const File packed(text, ".gz");
  const std::string bytes = contents(packed.path());
  EXPECT_THAT(complaint(bytes.substr(0, bytes.size() / 2)), HasSubstr("the gzip data ends in the middle"));
}

constexpr std::string_view kPerf =
    "# captured on: ...\n"
    "            perf   100 [000]  5000.000001: sched:sched_switch: prev_comm=perf prev_pid=100 "
    "prev_prio=120 "
    "prev_state=S ==> next_comm=swapper/0 next_pid=0 next_prio=120\n"
    "\tffffffff81000000 schedule ([kernel.kallsyms])\n\n"
    "         swapper     0/0 [001]  5000.000002: sched:sched_switch: swapper/1:0 [120] R ==> my prog:200 "
    "[120]\n"
    "         my prog   199/200 [001]  5000.000003: sched:sched_process_fork: comm=my prog pid=200 "
    "child_comm=my prog child_pid=201\n"
    "         my prog   199/200 [001]  5000.000004: sched:sched_wakeup: comm=x pid=3 prio=120 "
    "target_cpu=000\n";

TEST(PerfText, ReadsWhatPerfScriptPrints) {
  const File file(kPerf);
  EXPECT_EQ(open_trace(file.path())->format(), "perf script text");
  const auto events = read_all(file.path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].pid, 100);
  EXPECT_EQ(events[0].other, 0);
  EXPECT_EQ(events[1].pid, 0);
  EXPECT_EQ(events[1].other, 200);
  EXPECT_EQ(events[1].other_comm.view(), "my prog");
  EXPECT_EQ(events[1].state, 'R');
  EXPECT_EQ(events[2].kind, Kind::fork);
  EXPECT_EQ(events[2].tgid, 199);
  EXPECT_EQ(events[2].pid, 200);
  EXPECT_EQ(events[2].other, 201);
  EXPECT_EQ(events[3].kind, Kind::seen);
}

TEST(PerfText, NamesTheLineThatMakesNoSense) {
  EXPECT_THAT(complaint(std::string(kPerf) + "nonsense\n"), HasSubstr(": line 8: not 'COMM TID [CPU] TIME"));
}

// One event of each kind.
std::vector<Event> every_kind() {
  std::vector<Event> events;
  for (int kind = 0; kind <= static_cast<int>(Kind::lost); ++kind) {
    Event event;
    event.kind = static_cast<Kind>(kind);
    event.time_ns = 1000 + 100 * static_cast<std::uint64_t>(kind);
    event.cpu = 300;
    event.pid = 70000;
    event.comm = Comm("fifteen letters and more");
    if (event.kind == Kind::task) event.tgid = 7, event.kernel = true;
    if (event.kind == Kind::switched) event.state = 'S', event.other_comm = Comm("b");
    if (event.kind == Kind::switched || event.kind == Kind::newtask || event.kind == Kind::fork ||
        event.kind == Kind::exec)
      event.other = 9;
    if (event.kind == Kind::newtask) event.flags = 0x3d0f00;
    if (event.kind == Kind::ipi) event.call = Call::shoot;
    if (event.kind == Kind::lost) event.count = UINT64_MAX;
    events.push_back(event);
  }
  return events;
}

std::string compact_file(const std::string& path) {
  CompactWriter writer(path, {{"kernel", "6.12"}, {"note", "two\nlines"}});
  for (const Event& event : every_kind()) writer.write(event);
  writer.finish();
  return contents(path);
}

TEST(Compact, GivesBackWhatWasWritten) {
  for (const char* suffix : {"", ".gz"}) {
    const File file("", suffix);
    compact_file(file.path());
    EXPECT_EQ(CompactReader(file.path()).provenance()[1].second, "two lines");
    const auto events = read_all(file.path());
    const auto written = every_kind();
    ASSERT_EQ(events.size(), written.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].kind, written[i].kind);
      EXPECT_EQ(events[i].time_ns, written[i].time_ns);
      EXPECT_EQ(events[i].cpu, written[i].cpu);
      EXPECT_EQ(events[i].pid, written[i].pid);
      EXPECT_EQ(events[i].other, written[i].other);
      EXPECT_EQ(events[i].tgid, written[i].tgid);
      EXPECT_EQ(events[i].flags, written[i].flags);
      EXPECT_EQ(events[i].count, written[i].count);
      EXPECT_EQ(events[i].state, written[i].state);
      EXPECT_EQ(events[i].kernel, written[i].kernel);
      EXPECT_EQ(events[i].call, written[i].call);
      EXPECT_EQ(events[i].comm, written[i].comm);
      EXPECT_EQ(events[i].other_comm, written[i].other_comm);
    }
  }
}

TEST(Compact, EveryCutIsNoticed) {
  const File file("");
  const std::string whole = compact_file(file.path());
  for (std::size_t length = 1; length < whole.size(); ++length)
    EXPECT_THAT(complaint(whole.substr(0, length)), testing::Not(IsEmpty())) << length;
  EXPECT_THAT(complaint(whole.substr(0, whole.size() - 3)), HasSubstr("without its end mark"));
  EXPECT_THAT(complaint(whole + "x"), HasSubstr("something follows the end mark"));
}

TEST(Compact, EveryDamagedByteOfItsEventsIsNoticed) {
  const File file("");
  const std::string whole = compact_file(file.path());
  for (std::size_t at = whole.find("\n\n") + 2; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    EXPECT_THAT(complaint(damaged), HasSubstr(": byte ")) << at;
  }
}

TEST(TraceDat, WhatIsNoneIsRefusedByByte) {
  EXPECT_THAT(complaint(std::string("\x17\x08\x44tracing6\0", 12)), HasSubstr(": byte 0: libtracecmd "));
  std::string long_garbage("\x17\x08\x44tracing6\0\0\x08\0\x10\0\0", 18);
  for (int i = 0; i < 5000; ++i) long_garbage += static_cast<char>(i * 37);
  EXPECT_THAT(complaint(long_garbage), HasSubstr(": byte "));
}

// What trace-cmd recorded and what the kernel printed of the same buffer.
TEST(TraceDat, SaysWhatTheTextSays) {
  const auto records = read_all(MMSCALE_TESTDATA "/short.dat");
  const auto text = read_all(MMSCALE_TESTDATA "/short.trace");
  ASSERT_EQ(records.size(), text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(records[i].kind, text[i].kind) << i;
    EXPECT_EQ(records[i].cpu, text[i].cpu) << i;
    EXPECT_EQ(records[i].pid, text[i].pid) << i;
    EXPECT_EQ(records[i].other, text[i].other) << i;
    EXPECT_EQ(records[i].flags, text[i].flags) << i;
    EXPECT_EQ(records[i].state, text[i].state) << i;
    EXPECT_EQ(records[i].other_comm, text[i].other_comm) << i;
    if (text[i].kind == Kind::exec) {
      EXPECT_EQ(records[i].comm, text[i].comm) << i;
    }
    // The text is rounded to microseconds.
    EXPECT_NEAR(static_cast<double>(records[i].time_ns), static_cast<double>(text[i].time_ns), 1000) << i;
  }
}

TEST(TraceDat, EveryCutIsNoticedOrEndsEarly) {
  const std::string whole = contents(MMSCALE_TESTDATA "/short.dat");
  const auto events = read_all(MMSCALE_TESTDATA "/short.dat").size();
  for (std::size_t length = 16; length < whole.size(); length += 997) {
    const File cut(std::string_view(whole).substr(0, length));
    try {
      EXPECT_LT(read_all(cut.path()).size(), events) << length;
    } catch (const TraceError& error) {
      EXPECT_THAT(error.what(), HasSubstr(": byte ")) << length;
    }
  }
}

TEST(Files, WhatCannotBeReadIsNamed) {
  EXPECT_THROW(open_trace("/nonexistent/trace"), TraceError);
  EXPECT_THROW(open_trace("/dev/null"), TraceError);
  EXPECT_THROW(open_trace(testing::TempDir()), TraceError);
}

TEST(Fields, NumbersAndTimes) {
  EXPECT_EQ(seconds("1.5"), 1'500'000'000u);
  EXPECT_EQ(seconds("12"), 12'000'000'000u);
  EXPECT_EQ(seconds("1.0000000001"), std::nullopt);
  EXPECT_EQ(seconds("-1.5"), std::nullopt);
  EXPECT_EQ(seconds(""), std::nullopt);
  EXPECT_EQ(pid_number("-5"), std::nullopt);
}

}  // namespace
}  // namespace mmscale::trace
