#include "torch/script/parser.h"

#include <gtest/gtest.h>

namespace tenon::torch::script {
namespace {

TEST(Parser, ReadsWhatTorchScriptWrites) {
  auto file = parse(R"(class Net(Module):
  __parameters__ = ["weight", ]
  __buffers__ = []
  weight : Tensor
  training : bool
  __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
  limit : Final[int] = 3
  def forward(self: __torch__.Net,
    x: Tensor,
    mask: Optional[Tensor]=None) -> Tuple[Tensor, int]:
    _0 = getattr(self, "0")
    n, c, h, = torch.size(x)
    if torch.__is__(mask, None):
      y : Optional[Tensor] = None
    else:
      y = unchecked_cast(Tensor, mask)
    for i in range(3):
      _1 = (_0).forward(torch.slice(x, 1, -1, 9223372036854775807), )
    while torch.lt(n, 5):
      n = torch.add(n, 1)
    return (x, n)
)");
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->classes.size(), 1u);
  const Class& net = file->classes[0];
  EXPECT_EQ(net.base, "Module");
  ASSERT_EQ(net.methods.size(), 1u);
  const Function& forward = net.methods[0];
  ASSERT_EQ(forward.parameters.size(), 3u);
  EXPECT_EQ(forward.parameters[2].annotation, "Optional[Tensor]");
  EXPECT_EQ(forward.returns, "Tuple[Tensor, int]");
  ASSERT_EQ(forward.body.size(), 6u);
  EXPECT_EQ(forward.body[1].exprs[0].kids.size(), 3u);
  EXPECT_EQ(forward.body[2].kind, Stmt::Kind::branch);
  EXPECT_EQ(forward.body[2].body[0].text, "Optional[Tensor]");
  EXPECT_EQ(forward.body[3].kind, Stmt::Kind::loop_for);
  EXPECT_EQ(forward.body[4].kind, Stmt::Kind::loop_while);
}

TEST(Parser, ReadsInfixOperatorsAndComprehensions) {
  auto file = parse(
      "def f(x, *, k=2):\n  return [a ** 2 + -b // 3 if a <= b < 4 else f'{a}:{b}' for a, b in "
      "zip(x[1:, ::2], x) if not a is None]\n");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_TRUE(file->functions[0].parameters[1].keyword_only);
  EXPECT_EQ(file->functions[0].body[0].exprs[0].kind, Expr::Kind::comprehension);
}

TEST(Parser, RefusesDamagedSourceWithItsLine) {
  for (const char* source : {"def f(:\n  pass\n", "class A\n", "def f():\n  x = (1,\n",
                             "def f():\n  return 'abc\n", "\x01"}) {
    auto file = parse(source);
    ASSERT_FALSE(file) << source;
    EXPECT_EQ(file.error().kind, ErrorKind::bad_file);
    EXPECT_FALSE(file.error().where.source.empty());
    EXPECT_FALSE(file.error().why.empty());
    EXPECT_FALSE(file.error().hint.empty());
  }
}

TEST(Parser, TakesSourceThatEndsInAComment) { EXPECT_TRUE(parse("#=cl")); }

TEST(Parser, RefusesNestingThatWouldOverflowTheStack) {
  const std::string deep =
      "def f(x):\n  return " + std::string(100000, '(') + "x" + std::string(100000, ')') + "\n";
  EXPECT_FALSE(parse(deep));
  EXPECT_FALSE(parse("def f(x):\n  return " + std::string(100000, '-') + "x\n"));
}

}  // namespace
}  // namespace tenon::torch::script
