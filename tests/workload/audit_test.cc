// SPDX-License-Identifier: MIT
#include "workload/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mmscale::workload {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Two CPUs of a counted scheme that did something and ended well.
Books good_books() {
  Books books;
  books.sum.lazy_grabs = 10;
  books.sum.lazy_drops = 9;
  books.sum.lazy_grabs_unlazy = 3;
  books.sum.lazy_drops_unlazy = 2;
  books.sum.ipis_shoot = 4;
  books.sum.ipis_exit_flush = 2;
  books.sum.ipis_trim = 1;
  books.sum.ipis_useful = 5;
  books.sum.ipis_useless = 2;
  books.sum.mms_born = books.sum.mms_freed = 6;
  books.queued = 7;
  books.counted = true;
  books.online = 2;
  books.init_mm_count = 3;
  return books;
}

TEST(Audit, GoodBooksAreSilent) {
  EXPECT_THAT(mismatches(good_books()), IsEmpty());
  Books untouched;
  untouched.init_mm_count = 1;
  EXPECT_THAT(mismatches(untouched), IsEmpty());
}

TEST(Audit, ALostReference) {
  Books books = good_books();
  --books.sum.lazy_drops;
  EXPECT_THAT(mismatches(books),
              ElementsAre("lazy references taken, against returned and held on init_mm: 13 instead of 12"));
  books.counted = false;
  EXPECT_THAT(mismatches(books), testing::SizeIs(2));
}

TEST(Audit, ReferencesLeftOnInitMm) {
  Books books = good_books();
  books.init_mm_count = 4;
  EXPECT_THAT(mismatches(books), ElementsAre("init_mm's mm_count: 4 instead of 3"));
  books.init_mm_count = -1;
  EXPECT_THAT(mismatches(books), ElementsAre("init_mm's mm_count: -1 instead of 3"));
}

TEST(Audit, ALeakedMm) {
  Books books = good_books();
  ++books.sum.mms_born;
  EXPECT_THAT(mismatches(books), ElementsAre("mms freed, against born: 6 instead of 7"));
}

TEST(Audit, ATickThatWasNotCounted) {
  Books books = good_books();
  books.ticks_stopped = 1;
  EXPECT_THAT(mismatches(books),
              ElementsAre("nohz.nr_cpus, against CPUs whose tick is stopped: 0 instead of 1"));
}

TEST(Audit, AnIpiThatNobodyHandled) {
  Books books = good_books();
  --books.sum.ipis_useless;
  EXPECT_THAT(mismatches(books), ElementsAre("IPIs handled, against sent: 6 instead of 7"));
}

TEST(Audit, AnIpiThatNobodyAccountedFor) {
  Books books = good_books();
  ++books.queued;
  EXPECT_THAT(mismatches(books),
              ElementsAre("requests queued by the machine, against IPIs sent: 8 instead of 7"));
}

TEST(Audit, ABorrowThatDidNotEnd) {
  Books books = good_books();
  books.still_lazy = {1};
  EXPECT_THAT(mismatches(books), ElementsAre("cpu 1 is still lazy on a user mm"));
}

TEST(Audit, WhatTheOracleSaw) {
  Books books = good_books();
  books.findings = {{kernel::Violation::used, 1, "unlazy"}};
  books.violations = 1;
  EXPECT_THAT(mismatches(books), ElementsAre("USED on cpu 1 in unlazy"));
  books.violations = 2;
  EXPECT_THAT(mismatches(books), ElementsAre("USED on cpu 1 in unlazy", "2 violations in all"));
}

}  // namespace
}  // namespace mmscale::workload
