#include "torch/schema.h"

#include <gtest/gtest.h>

namespace tenon::torch {
namespace {

using Kind = SchemaType::Kind;

TEST(Schema, ReadsArgumentsDefaultsAndAliases) {
  const Schema* schema = find_overload("aten::add_", "Tensor");
  ASSERT_NE(schema, nullptr);
  ASSERT_EQ(schema->arguments.size(), 3u);
  EXPECT_TRUE(schema->arguments[0].written);
  EXPECT_EQ(schema->arguments[2].default_text, "1");
  EXPECT_TRUE(schema->arguments[2].keyword_only);
}

TEST(Schema, ReadsListsOfFixedSize) {
  const Schema* schema = find_overload("aten::conv2d", "default");
  ASSERT_NE(schema, nullptr);
  EXPECT_TRUE(schema->arguments[2].type.is(Kind::optional));
  EXPECT_TRUE(schema->arguments[3].type.is(Kind::list));
  EXPECT_EQ(schema->arguments[3].type.fixed_size, 2);
  EXPECT_EQ(schema->arguments[3].default_text, "[1, 1]");
}

TEST(Schema, EverySchemaOfTheTableIsReadWhole) {
  size_t count = 0;
  for (const char* name : {"aten::index", "aten::split", "aten::max_pool2d", "prim::min",
                           "torchvision::nms", "aten::lstm"}) {
    const auto schemas = find_schemas(name);
    EXPECT_FALSE(schemas.empty()) << name;
    for (const Schema& schema : schemas) {
      EXPECT_FALSE(schema.returns.empty()) << schema.full_name();
      ++count;
    }
  }
  EXPECT_GT(count, 20u);
  EXPECT_TRUE(find_schemas("aten::no_such_operator").empty());
}

TEST(Schema, ReadsPythonAnnotations) {
  const SchemaType type = parse_type("Dict[str, Optional[List[Tensor]]]");
  ASSERT_TRUE(type.is(Kind::dict));
  ASSERT_EQ(type.inner.size(), 2u);
  EXPECT_TRUE(type.inner[0].is(Kind::string));
  ASSERT_TRUE(type.inner[1].is(Kind::optional));
  EXPECT_TRUE(type.inner[1].inner[0].is(Kind::list));
  for (const char* bare : {"Optional", "Optional[]", "List[Optional]"}) {
    SchemaType found = parse_type(bare);
    if (found.is(Kind::list)) found = SchemaType(found.inner.at(0));
    ASSERT_TRUE(found.is(Kind::optional)) << bare;
    EXPECT_EQ(found.inner.size(), 1u) << bare;
  }
  const SchemaType object = parse_type("__torch__.torchvision.models.resnet.ResNet");
  EXPECT_TRUE(object.is(Kind::object));
  EXPECT_EQ(object.name, "__torch__.torchvision.models.resnet.ResNet");
}

}  // namespace
}  // namespace tenon::torch
