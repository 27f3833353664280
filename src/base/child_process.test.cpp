#include "base/child_process.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

namespace tenon {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

struct Seen {
  std::vector<std::string> lines;
  ChildEnd end;
};

Seen shell(const std::string& script, ChildRequest request = {}) {
  Seen out;
  request.words = {"sh", "-c", script};
  request.line = [&](std::string_view line) { out.lines.emplace_back(line); };
  auto end = run_child(request);
  EXPECT_TRUE(end) << end.error().message();
  if (end) out.end = *end;
  return out;
}

TEST(ChildProcess, GivesLinesStatusAndComplaints) {
  const Seen seen = shell("echo one; echo two; printf three; echo oh >&2; exit 3");
  EXPECT_THAT(seen.lines, ElementsAre("one", "two", "three"));
  EXPECT_EQ(seen.end.reason, ChildEnd::Reason::exited);
  EXPECT_EQ(seen.end.status, 3);
  EXPECT_EQ(seen.end.complaints, "oh\n");
}

TEST(ChildProcess, TakesMoreInputThanAPipeHoldsWhileItWrites) {
  const std::string text(1 << 20, 'x');
  Seen seen = shell("cat; echo", {.input = text});
  ASSERT_EQ(seen.lines.size(), 1u);
  EXPECT_EQ(seen.lines[0], text);
  EXPECT_TRUE(seen.end.good());
  // One that does not care for its input is no failure either.
  EXPECT_TRUE(shell("exit 0", {.input = text}).end.good());
}

TEST(ChildProcess, EndsWithWhatItStartedWhenItsTimeIsUp) {
  const auto begin = std::chrono::steady_clock::now();
  const Seen seen = shell("sleep 100 & echo $!; sleep 100", {.time_limit = milliseconds(200)});
  EXPECT_EQ(seen.end.reason, ChildEnd::Reason::out_of_time);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(20000));
  ASSERT_EQ(seen.lines.size(), 1u);
  const pid_t grandchild = std::stoi(seen.lines[0]);
  // It is gone, or nothing but an entry that its new parent has not collected yet.
  for (int i = 0; i < 100 && ::kill(grandchild, 0) == 0; ++i)
    std::this_thread::sleep_for(milliseconds(20));
  std::string state = "gone";
  if (FILE* file = std::fopen(("/proc/" + seen.lines[0] + "/stat").c_str(), "r")) {
    char name[64], letter = '?';
    int id = 0;
    if (std::fscanf(file, "%d %63s %c", &id, name, &letter) == 3) state = letter;
    std::fclose(file);
  }
  EXPECT_TRUE(state == "gone" || state == "Z") << state;
}

TEST(ChildProcess, EndsWhenItTakesTooMuchMemory) {
  const Seen seen = shell("exec tail /dev/zero", {.memory_limit = 64 << 20});
  EXPECT_EQ(seen.end.reason, ChildEnd::Reason::out_of_memory);
}

TEST(ChildProcess, EndsWhenThisProcessIsInterrupted) {
  const pid_t self = ::getpid();
  std::thread interrupter([self] {
    std::this_thread::sleep_for(milliseconds(200));
    ::kill(self, SIGINT);
  });
  const Seen seen = shell("sleep 100");
  interrupter.join();
  EXPECT_EQ(seen.end.reason, ChildEnd::Reason::interrupted);
}

TEST(ChildProcess, SaysWhichSignalKilledIt) {
  const Seen seen = shell("kill -SEGV $$");
  EXPECT_EQ(seen.end.reason, ChildEnd::Reason::killed);
  EXPECT_EQ(seen.end.status, SIGSEGV);
}

TEST(ChildProcess, FailsWhereTheProgramIsMissing) {
  const auto end = run_child({.words = {"no-such-program-anywhere"}});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().kind, ErrorKind::resource);
  EXPECT_EQ(end.error().why, "No such file or directory");
}

}  // namespace
}  // namespace tenon
