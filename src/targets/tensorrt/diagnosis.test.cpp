#include "targets/tensorrt/diagnosis.h"

#include <gmock/gmock.h>

#include "ir/builder.h"
#include "ops/tables.h"

namespace tenon::tensorrt {
namespace {

TEST(PlainMessage, LeavesTheHeart) {
  struct Case {
    std::string_view raw, plain;
  };
  // As TensorRT-RTX 1.7.1 says them.
  for (const Case& c : {
           Case{"IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (ITopKLayer topk: "
                "topk: K exceeds the maximum value allowed (3840). In processCheck at "
                "/_src/optimizer/shapeof/graphShapeAnalyzer.cpp:1066 In analyzeShapes at "
                "/_src/optimizer/shapeof/graphShapeAnalyzer.cpp:2825)",
                "ITopKLayer topk: topk: K exceeds the maximum value allowed (3840)"},
           Case{
               "Invalid Node - rs\nITensor::getDimensions: Error Code 4: Shape Error (reshape "
               "wildcard -1 has no integer solution. Reshaping [2,3,3] to [7,-1]. In operator() at "
               "/_src/optimizer/common/shape/shapeContext.cpp:4633)\n[checkMacros.cpp::"
               "catchCudaError::250] Error Code 1: Cuda Runtime (In catchCudaError at "
               "/_src/common/dispatch/checkMacros.cpp:250 (cudaError 35: CUDA driver version is "
               "insufficient for CUDA runtime version))",
               "reshape wildcard -1 has no integer solution. Reshaping [2,3,3] to [7,-1]"},
           Case{"Assertion failed: (ctx->tensors().count(inputName)): Node input was not "
                "registered.",
                "(ctx->tensors().count(inputName)): Node input was not registered"},
           Case{
               "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine cannot "
               "run "
               "on this GPU, which has compute capability 9.0. Supported compute capabilities: 8.0 "
               "8.6 8.9 12.0 12.1 >12.0. In verifyGpu at /_src/runtime/engine.cpp:12)",
               "The engine cannot run on this GPU, which has compute capability 9.0. Supported "
               "compute "
               "capabilities: 8.0 8.6 8.9 12.0 12.1 >12.0"},
           Case{"something else", "something else"},
       }) {
    EXPECT_EQ(plain_message(c.raw), c.plain);
  }
}

class Explanation : public testing::Test {
 protected:
  Explanation() {
    ir::Builder b(graph, ops);
    ir::Value* x = graph.add_input("x", ir::Type::tensor(DType::f32, ir::Shape{2, 3, 3}));
    for (const char* module : {"a", "b"}) {
      auto origin = std::make_shared<ir::Origin>();
      origin->module = module;
      origin->frames = {{.file = "model.py", .line = 41, .function = "forward"}};
      b.set_origin(origin);
      ir::Value* y = b.emit_named("Det", {x});
      y->producer->name = std::string(module) + "/Det";
      graph.add_output(y);
    }
    report.module = {"tensorrt_rtx_bindings", "1.7.1.116", "3.11", true};
    report.failure = Error{.kind = ErrorKind::unsupported, .what = "TensorRT built no engine"};
  }

  ir::OpSet ops{ops::op_table()};
  ir::Graph graph;
  BuildReport report;
};

TEST_F(Explanation, NamesOperatorsWithTheirLinesOnceForEachReason) {
  report.parse_errors = {{.text = "false", .node = "a/Det", .op = "Det", .function = "checkDet"},
                         {.text = "false", .node = "b/Det", .op = "Det", .function = "checkDet"}};
  const Error error = explain(report, graph);
  ASSERT_EQ(error.details.size(), 1u);
  EXPECT_EQ(error.details[0].what, "TensorRT-RTX 1.7.1.116 refuses Det (2 times, first here)");
  EXPECT_EQ(error.details[0].why, "it has no Det");
  EXPECT_EQ(error.details[0].where.module, "a");
  EXPECT_THAT(error.details[0].where.source, testing::HasSubstr("model.py:41"));
}

TEST_F(Explanation, FindsNodesByTheirPlaceWhereTheReleaseTellsNoName) {
  report.parse_errors = {{.text = "creator && \"Plugin not found\"", .index = 1}};
  const Error error = explain(report, graph);
  ASSERT_EQ(error.details.size(), 1u);
  EXPECT_EQ(error.details[0].where.module, "b");
  EXPECT_EQ(error.details[0].why, "it has no Det, neither of its own nor as a plugin");
}

TEST_F(Explanation, FindsNodesThatTheBuilderMentions) {
  report.errors = {
      "[x.cpp::f::250] Error Code 1: Cuda Runtime (cudaError 35: CUDA driver version)",
      "IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not find any "
      "implementation for node b/Det. In f at /x.cpp:1)"};
  const Error error = explain(report, graph);
  ASSERT_EQ(error.details.size(), 1u);
  EXPECT_EQ(error.details[0].where.module, "b");
  EXPECT_EQ(error.details[0].why, "it has no kernel for these sizes and types");
}

TEST_F(Explanation, PutsWhatTheOptimiserSaysIntoWords) {
  struct Case {
    const char *raw, *why, *hint;
  };
  // As TensorRT-RTX 1.7.1 says them.
  for (const Case& c : {
           Case{"IBuilder::f: Error Code 4: Internal Error ((Unnamed Layer* 6) [Recurrence]: "
                "IRecurrenceLayer must have inputs with same shape. First input x has shape [2,4] "
                "and second input b/Det has shape [2,5]. In f at /x.cpp:1)",
                "a value that the loop carries changes its shape", "largest size"},
           Case{"[graphScope.cpp::analyze::417] Error Code 2: Internal Error (Assertion tScope == "
                "mScopedOp2Scopes.at(op) failed.  In analyze at /_src/graphScope.cpp:417)",
                "it fails in itself: Assertion tScope", "fault of TensorRT"},
           Case{"ITensor::getDimensions: Error Code 4: API Usage Error (Network input x is a shape "
                "tensor and must have type Int32 or Int64. Type is Float. In f at /x.cpp:1)",
                "a size is computed from what floats hold", "sizes of inputs"},
       }) {
    report.errors = {c.raw};
    const Error error = explain(report, graph);
    ASSERT_EQ(error.details.size(), 1u);
    EXPECT_THAT(error.details[0].why, testing::HasSubstr(c.why));
    EXPECT_THAT(error.details[0].hint, testing::HasSubstr(c.hint));
  }
}

TEST_F(Explanation, EndsWithTensorrtsMessagesWhereTheyWereAskedFor) {
  report.errors = {"IBuilder::f: Error Code 4: API Usage Error (something. In f at /x.cpp:1)"};
  report.messages = std::vector<std::string>(100, "message");
  const Error error = explain(report, graph);
  ASSERT_EQ(error.details.size(), 42u);  // in words, as it said it, and the last of the messages
  EXPECT_EQ(error.details[1].what, "TensorRT: " + report.errors[0]);
  EXPECT_EQ(error.details.back().what, "TensorRT: message");
}

}  // namespace
}  // namespace tenon::tensorrt
