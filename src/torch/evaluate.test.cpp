// Programs that no model would hold: each ends with a graph or an error.
#include <gtest/gtest.h>

#include "ir/ref_kernel.h"
#include "ops/tables.h"
#include "torch/testing.h"

namespace tenon::torch {
namespace {

struct Outcome {
  Result<Imported> imported;
  std::string error() const { return imported ? "" : imported.error().message(); }
};

// Runs the body of forward(x), x of [rows, 4].
Outcome evaluate(std::string_view body, std::string_view functions = "") {
  static const ir::OpSet ops(ops::op_table());
  static const Lowerings lowerings(ops::torch_table());
  std::string source =
      "class Net(Module):\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n";
  for (size_t at = 0; at < body.size();) {
    const size_t end = std::min(body.find('\n', at), body.size());
    source += "    " + std::string(body.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  source += functions;
  auto program = testing::program_of(source);
  EXPECT_TRUE(program) << program.error().message();
  return {import_torchscript(*program, testing::options_for(*program), ops, lowerings)};
}

void expect_refused(std::string_view body, std::string_view mention,
                    std::string_view functions = "") {
  const Outcome outcome = evaluate(body, functions);
  EXPECT_FALSE(outcome.imported) << body;
  EXPECT_NE(outcome.error().find(mention), std::string::npos) << body << "\n" << outcome.error();
}

TEST(Evaluate, Converts) {
  const Outcome outcome = evaluate("return torch.mul(torch.relu(x), self.w[0])");
  ASSERT_TRUE(outcome.imported) << outcome.error();
  EXPECT_EQ(outcome.imported->graph->outputs().size(), 1u);
}

TEST(Evaluate, PartsOfATensorWithoutDimensions) {
  for (const char* part :
       {"torch.select(s, 0, 0)", "torch.slice(s, 0, 0, 1)", "torch.narrow(s, 0, 0, 1)",
        "torch.split(s, 1)[0]", "torch.chunk(s, 2)[0]", "torch.tensor_split(s, 2)[0]",
        "torch.unbind(s)[0]", "torch.unflatten(s, 0, [1, 1])", "torch.slice_scatter(s, s)"}) {
    const Outcome outcome = evaluate("s = torch.sum(x)\nreturn " + std::string(part));
    EXPECT_FALSE(outcome.imported) << part;
  }
  EXPECT_TRUE(evaluate("return torch.movedim(torch.sum(x), [], [])").imported);
}

TEST(Evaluate, PermutationsThatAreNone) {
  expect_refused("return torch.permute(x, [])", "not a permutation");
  expect_refused("return torch.permute(x, [0, 0])", "not a permutation");
  expect_refused("return torch.movedim(x, [0, 0], [0, 1])", "moved twice");
  expect_refused("return torch.movedim(x, [0, 1], [1, 1])", "moved twice");
}

TEST(Evaluate, NegativeSizes) {
  expect_refused("return torch.zeros([-1, 4])", "negative");
  expect_refused("return torch.ones([-3, -3])", "negative");
  expect_refused("return torch.reshape(x, [-1, -1])", "");
  expect_refused("return torch.reshape(x, [-2, -2])", "");
  expect_refused("return torch.expand(x, [-1, 8, 4])", "a new dimension needs a size");
}

TEST(Evaluate, ContainersThatHoldThemselvesOrTooMuch) {
  expect_refused("a = [x]\nb = torch.append(a, a)\nreturn x", "holds itself");
  expect_refused("a = [[1]]\na[0] = a\nreturn x", "holds itself");
  expect_refused("d = {\"a\": 1}\nd[\"b\"] = d\nreturn x", "holds itself");
  std::string doubled = "a = [1, 2]\n", tuples = "a = (1, 2)\n", joined = "a = \"ab\"\n",
              added = "a = [1, 2]\n";
  for (int i = 0; i < 40; ++i) {
    doubled += "a = [a, a]\n";
    tuples += "a = (a, a)\n";
    joined += "a = torch.add(a, a)\n";
    added += "a = torch.add(a, a)\n";
  }
  expect_refused(doubled + "return x", "too large");
  expect_refused(tuples + "return x", "too large");
  expect_refused(joined + "return x", "string is too long");
  expect_refused(added + "return x", "list is too long");
  expect_refused("return torch.tensor(torch.mul([1, 2], 4611686018427387905))", "too long");
}

TEST(Evaluate, ProgramsThatDoNotEnd) {
  expect_refused("while True:\n  x = torch.relu(x)\nreturn x", "");
  expect_refused("return torch.tensor([[i for i in range(1000)] for k in range(1000)])",
                 "runs too long");
  expect_refused("return self.again(x)", "too deep",
                 "  def again(self: __torch__.Net, x: Tensor) -> Tensor:\n"
                 "    return self.again(self.again(torch.relu(x)))\n");
}

TEST(Evaluate, AnnotationsThatSayLittle) {
  expect_refused("return self.inner(x)", "",
                 "  def inner(self: __torch__.Net, x: Optional) -> Tensor:\n"
                 "    return torch.relu(unchecked_cast(Optional, torch.size(x)))\n");
}

TEST(Evaluate, NumbersOutOfRange) {
  expect_refused("return torch.zeros([ops.aten.floor(1e30)])", "");
  expect_refused("return torch.zeros([len([i for i in range(9223372036854775807)])])", "");
  expect_refused("return torch.chunk(torch.zeros([1000000000]), 1000000000)[0]", "too many pieces");
  expect_refused("return torch.unbind(torch.zeros([1000000000]))[0]", "too many pieces");
  expect_refused("return torch.as_strided(self.w, [1000000, 1000000], [0, 0])", "does not fit");
}

}  // namespace
}  // namespace tenon::torch
