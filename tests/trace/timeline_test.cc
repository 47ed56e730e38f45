// SPDX-License-Identifier: MIT
#include "trace/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace mmscale::trace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Timelines : public testing::Test {
 protected:
  ~Timelines() override { std::filesystem::remove(path_); }

  // All but what describes processes and tracks.
  std::vector<nlohmann::json> written() const {
    std::vector<nlohmann::json> events;
    const auto document = nlohmann::json::parse(std::ifstream(path_));
    for (const auto& event : document.at("traceEvents"))
      if (event.at("ph") != "M") events.push_back(event);
    return events;
  }

  const std::string path_ = testing::TempDir() + "timeline-" + std::to_string(::getpid()) + ".json";
};

TEST_F(Timelines, NamesAreWhateverTheTraceSays) {
  TimelineFile file(path_, 1);
  Timeline timeline(file, 1, "a \"scheme\"", {0, 7});
  timeline.begin(1, Timeline::Track::runs, 1234567, "sh\n\"\\\xff", R"("pid": 1)");
  timeline.end(1, Timeline::Track::runs, 1234568);
  timeline.finish(2000000, "2 < 3");
  file.close();
  const auto events = written();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].at("name"), "sh\n\"\\\ufffd");
  EXPECT_EQ(events[0].at("ts"), 1234.567);
  EXPECT_EQ(events[0].at("args").at("pid"), 1);
  EXPECT_EQ(events[1].at("ts"), 1234.568);
  EXPECT_THAT(file.notes(), IsEmpty());
}

TEST_F(Timelines, EndWhereTheirShareIsUsedUp) {
  // Three events for each replay.
  TimelineFile file(path_, TimelineFile::kMostEvents / 3);
  ASSERT_EQ(file.share(), 3u);
  Timeline timeline(file, 1, "refcount (powerpc)", {0, 1});
  timeline.begin(0, Timeline::Track::runs, 10, "a");
  timeline.begin(1, Timeline::Track::borrows, 900, "b");
  timeline.instant(0, Timeline::Track::runs, 20, "c");
  timeline.instant(0, Timeline::Track::runs, 500, "d");
  timeline.end(0, Timeline::Track::runs, 600);
  timeline.begin(0, Timeline::Track::runs, 700, "e");
  timeline.finish(1000, "");
  file.close();
  std::vector<std::pair<std::string, double>> seen;
  for (const auto& event : written()) seen.emplace_back(event.at("ph"), event.at("ts"));
  // What has begun ends when there is no more room, or where its track already is.
  EXPECT_THAT(seen, ElementsAre(std::pair("B", 0.010), std::pair("B", 0.900), std::pair("i", 0.020),
                                std::pair("E", 0.500), std::pair("E", 0.900)));
  EXPECT_THAT(file.notes(),
              ElementsAre(HasSubstr("refcount (powerpc) is shown until 0.000000500 s only, after 3 events")));
}

TEST_F(Timelines, WithoutAnEventAreADocumentAllTheSame) {
  TimelineFile file(path_, 1);
  file.close();
  EXPECT_THAT(written(), IsEmpty());
}

}  // namespace
}  // namespace mmscale::trace
