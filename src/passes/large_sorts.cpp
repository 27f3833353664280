#include "passes/large_sorts.h"

#include <bit>
#include <limits>

#include "ops/common/emit.h"
#include "ops/concat/concat.h"
#include "ops/topk/topk.h"
#include "passes/rewrite.h"

namespace tenon::passes {
namespace {

using ir::Value;
using ops::Emit;

struct Network {
  std::vector<int64_t> distances, blocks;  // of each step
};

Network network_of(int64_t size) {
  Network out;
  for (int64_t block = 2; block <= size; block *= 2) {
    for (int64_t distance = block / 2; distance > 0; distance /= 2) {
      out.distances.push_back(distance);
      out.blocks.push_back(block);
    }
  }
  return out;
}

// Values and their places, wholly sorted along the axis.
struct Sorted {
  Value *values, *places;
};

Result<Sorted> sorted(const Emit& e, ir::Node* before, Value* x, size_t axis, bool largest) {
  const auto sizes = *ir::constant_dims(*x->shape());
  const int64_t rows = sizes[axis];
  const auto size = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(rows)));
  const auto along = static_cast<int64_t>(axis);
  std::vector<int64_t> others;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i != axis) others.push_back(static_cast<int64_t>(i));
  }
  Value* count = e.count_to(e.integer(size));
  const auto broadcast = [&](const Emit& in, Value* vector) {
    return others.empty() ? vector : in.op("Unsqueeze", {vector, in.b.ints(others)});
  };
  Value* keys = x;
  std::vector<int64_t> whole = sizes;
  whole[axis] = size;
  if (size > rows) {
    std::vector<int64_t> rest = sizes;
    rest[axis] = size - rows;
    // What fills it up comes after what there is: it is as good as the last, and stands behind it.
    Value* last = e.reduce(largest ? "ReduceMin" : "ReduceMax", x, along, true);
    Value* fill = e.op("Expand", {last, e.b.ints(rest)});
    keys = e.b.emit(ops::Concat{.axis = along}, {x, fill});
  }
  Value* places = e.op("Expand", {broadcast(e, count), e.b.ints(whole)});
  const Network network = network_of(size);
  Value *distances = e.b.ints(network.distances), *blocks = e.b.ints(network.blocks);
  const auto step = [&](const Emit& in, Value* j, const std::vector<Value*>& carried) {
    Value *key = carried[0], *place = carried[1];
    Value* two = in.integer(2);
    const auto element = [&](Value* of) { return in.b.emit(ops::Gather{.axis = 0}, {of, j}); };
    const auto odd = [&](Value* by) {
      Value* part = in.op("Div", {count, by});
      Value* even = in.op("Mul", {in.op("Div", {part, two}), two});
      return in.op("Less", {even, part});
    };
    Value* distance = element(distances);
    // Each is compared with the one whose number differs in one bit.
    Value* upper = odd(distance);
    Value* partner =
        in.where(upper, in.op("Sub", {count, distance}), in.op("Add", {count, distance}));
    Value* backwards = odd(element(blocks));
    Value* takes_last = in.op("Xor", {upper, backwards});
    Value* other_key = in.b.emit(ops::Gather{.axis = along}, {key, partner});
    Value* other_place = in.b.emit(ops::Gather{.axis = along}, {place, partner});
    Value* better = in.op(largest ? "Greater" : "Less", {other_key, key});
    Value* equal = in.op("Equal", {other_key, key});
    Value* earlier = in.op("Less", {other_place, place});
    Value* first = in.op("Or", {better, in.op("And", {equal, earlier})});
    Value* swap = in.op("Xor", {first, broadcast(in, takes_last)});
    return std::vector<Value*>{in.where(swap, other_key, key), in.where(swap, other_place, place)};
  };
  const auto done = TRY(ops::loop(
      e.b, before, e.integer(static_cast<int64_t>(network.blocks.size())), {keys, places}, step));
  return Sorted{done[0], done[1]};
}

}  // namespace

Status compose_large_sorts(ir::Graph& graph, int64_t most, const PassContext& context) {
  for (ir::Node* node : snapshot(graph)) {
    if (!node->is("TopK") || !node->input(0)->shape()) continue;
    const auto op = node->as<ops::TopK>();
    const auto k = ints(node->input(1));
    const auto sizes = ir::constant_dims(*node->input(0)->shape());
    if (!k || k->size() != 1 || k->front() <= most || !sizes) continue;
    const size_t axis = TRY(ir::normalize_axis(op.axis, sizes->size()));
    ir::Builder b = builder_before(*node, context);
    const Emit e{b};
    const Sorted all = TRY(sorted(e, node, node->input(0), axis, op.largest));
    std::vector<Value*> results;
    for (Value* one : {all.values, all.places})
      results.push_back(e.op("Slice", {one, b.ints({0}), b.ints({k->front()}),
                                       b.ints({static_cast<int64_t>(axis)}), b.ints({1})}));
    TRY(b.status());
    replace_node(*node, b, results);
  }
  graph.remove_dead();
  return {};
}

}  // namespace tenon::passes
