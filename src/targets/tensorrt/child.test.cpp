#include "targets/tensorrt/child.h"

#include <gmock/gmock.h>

#include <csignal>

namespace tenon::tensorrt {
namespace {

using testing::HasSubstr;

const Task kTask{.failed = "TensorRT did not run the engine", .file = "a.engine"};

Error failure_of(const Told& told, const ChildLimits& limits = {}) {
  return failure(told, kTask, {.interpreter = "trt/bin/python"}, limits);
}

TEST(ChildFailure, IsTheChildsOwnReason) {
  Told told;
  told.refusal = "no_gpu";
  told.why = "there is no GPU";
  const Error error = failure_of(told);
  EXPECT_EQ(error.kind, ErrorKind::resource);
  EXPECT_EQ(error.what, kTask.failed);
  EXPECT_EQ(error.where.file, "a.engine");
  EXPECT_EQ(error.why, "there is no GPU");
  EXPECT_THAT(error.hint, HasSubstr("run only with one"));
}

TEST(ChildFailure, HasTensorrtsWordsWhereTheySayMore) {
  Told told;
  told.refusal = "engine";
  told.why = "TensorRT does not take the engine";
  told.errors = {
      "IRuntime::f: Error Code 6: API Usage Error (The engine cannot run on this GPU. In f "
      "at /a.cpp:1)"};
  EXPECT_EQ(failure_of(told).why,
            "TensorRT does not take the engine: The engine cannot run on this GPU");
}

TEST(ChildFailure, NamesTheInterpreterThatHasNoTensorrt) {
  Told told;
  told.refusal = "missing_module";
  EXPECT_EQ(failure_of(told).where.file, "trt/bin/python");
}

TEST(ChildFailure, SaysHowTheProcessEnded) {
  struct Case {
    ChildEnd::Reason reason;
    int status;
    const char* why;
  };
  using Reason = ChildEnd::Reason;
  for (const Case& c : {Case{Reason::out_of_time, 0, "longer than 3 s"},
                        Case{Reason::interrupted, 0, "it was interrupted"},
                        Case{Reason::killed, SIGSEGV, "killed by signal 11"},
                        Case{Reason::exited, 5, "ended with status 5; its last words: oh"}}) {
    Told told;
    told.end = {.reason = c.reason, .status = c.status, .complaints = "first\noh\n"};
    EXPECT_THAT(failure_of(told, {.time = std::chrono::seconds(3)}).why, HasSubstr(c.why));
  }
}

}  // namespace
}  // namespace tenon::tensorrt
