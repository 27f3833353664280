#include "passes/view_chain.h"

#include <algorithm>
#include <numeric>

#include "ops/transpose/transpose.h"

namespace tenon::passes {
namespace {

using ir::Dim;
using ir::Shape;

// Factors of sizes, in the source's order; splitting one keeps the others' numbers by renumbering.
class Factors {
 public:
  explicit Factors(const Shape& source) {
    for (const Dim& size : source) {
      axes_.emplace_back();
      if (size.is(1)) continue;
      axes_.back().push_back(sizes_.size());
      sizes_.push_back(size);
    }
  }

  void transpose(const std::vector<int64_t>& perm) {
    std::vector<std::vector<size_t>> out;
    for (int64_t axis : perm) out.push_back(axes_[static_cast<size_t>(axis)]);
    axes_ = std::move(out);
  }

  bool reshape(const Shape& to) {
    std::vector<size_t> flat = in_order();
    std::vector<std::vector<size_t>> out;
    size_t next = 0;
    for (const Dim& size : to) {
      out.emplace_back();
      Dim left = size;
      while (!left.is(1)) {
        if (next >= flat.size()) return false;
        const Dim have = sizes_[flat[next]];
        if (have == left) {
          out.back().push_back(flat[next++]);
          break;
        }
        if (const auto quotient = exactly(left, have)) {
          out.back().push_back(flat[next++]);
          left = *quotient;
          continue;
        }
        const auto rest = exactly(have, left);
        if (!rest) return false;
        // The factor divides in two: what is needed here, and what follows.
        const size_t factor = flat[next];
        split(factor, left, *rest, flat, out);
        out.back().push_back(factor);
        ++next;
        break;
      }
    }
    if (next != flat.size()) return false;
    axes_ = std::move(out);
    return true;
  }

  bool apply(const std::vector<const ir::Node*>& views) {
    for (const ir::Node* view : views) {
      const auto& shape = view->output(0)->shape();
      if (!shape) return false;
      if (view->op == "Transpose") {
        const auto perm = view->as<ops::Transpose>().perm;
        if (!perm) return false;
        transpose(*perm);
      } else if (!reshape(*shape)) {
        return false;
      }
    }
    return true;
  }

  // Takes one element of an axis away; says which part of the source is left.
  bool select(const Shape& source, size_t axis, int64_t index, Selection& out) {
    if (axes_[axis].size() != 1) return false;
    const size_t factor = axes_[axis][0];
    const auto count = sizes_[factor].constant();
    size_t next = 0;
    for (size_t d = 0; d < source.size() && next <= factor; ++d) {
      const size_t first = next;
      Dim product(1);
      while (next < sizes_.size() && !(product == source[d])) product = product * sizes_[next++];
      if (first != factor) continue;
      Dim rest(1);
      for (size_t i = first + 1; i < next; ++i) rest = rest * sizes_[i];
      if (!count || !rest.is_constant() || next == first) return false;
      if (index < 0) index += *count;
      if (index < 0 || index >= *count) return false;
      out.axis = d;
      out.length = *rest.constant();
      out.start = index * out.length;
      sizes_.erase(sizes_.begin() + static_cast<ptrdiff_t>(factor));
      axes_.erase(axes_.begin() + static_cast<ptrdiff_t>(axis));
      for (auto& list : axes_) {
        for (size_t& i : list) i -= i > factor ? 1 : 0;
      }
      return true;
    }
    return false;
  }

  Rearrangement result(const Shape& source, const Shape& final) const;

 private:
  static std::optional<Dim> exactly(const Dim& a, const Dim& b) {
    if (b.is(0) || (a.is_constant() && !b.is_constant())) return std::nullopt;
    Dim q = floordiv(a, b);
    if (q.is(0) || !(q * b == a)) return std::nullopt;
    return q;
  }

  std::vector<size_t> in_order() const {
    std::vector<size_t> out;
    for (const auto& axis : axes_) out.insert(out.end(), axis.begin(), axis.end());
    return out;
  }

  // Factor f becomes f (of size `first`) and f + 1 (of size `second`); later ones move up.
  void split(size_t f, const Dim& first, const Dim& second, std::vector<size_t>& flat,
             std::vector<std::vector<size_t>>& out) {
    auto renumber = [&](std::vector<size_t>& list) {
      for (size_t& i : list) i += i > f ? 1 : 0;
    };
    renumber(flat);
    for (auto& list : out) renumber(list);
    const auto at = std::find(flat.begin(), flat.end(), f);
    flat.insert(at + 1, f + 1);
    sizes_[f] = first;
    sizes_.insert(sizes_.begin() + static_cast<ptrdiff_t>(f) + 1, second);
  }

  std::vector<Dim> sizes_;                 // of the factors, in the source's order
  std::vector<std::vector<size_t>> axes_;  // the factors of each current axis
};

Rearrangement Factors::result(const Shape& source, const Shape& final) const {
  Rearrangement out;
  // Factors that stay neighbours within one axis of the result are one.
  struct Block {
    size_t first;
    Dim size;
  };
  std::vector<Block> blocks;  // in the result's order
  for (const auto& axis : axes_) {
    for (size_t i = 0; i < axis.size(); ++i) {
      if (i > 0 && axis[i] == axis[i - 1] + 1)
        blocks.back().size = blocks.back().size * sizes_[axis[i]];
      else
        blocks.push_back({axis[i], sizes_[axis[i]]});
    }
  }
  std::vector<size_t> order(blocks.size());  // positions in the result, in the source's order
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](size_t i) { return blocks[i].first; });
  if (std::ranges::is_sorted(order)) {
    if (!(source == final)) out.joined = final;
    return out;
  }
  Shape split;
  std::vector<int64_t> perm(blocks.size());
  for (size_t i = 0; i < order.size(); ++i) {
    split.push_back(blocks[order[i]].size);
    perm[order[i]] = static_cast<int64_t>(i);
  }
  Shape permuted;
  for (const Block& block : blocks) permuted.push_back(block.size);
  if (!(split == source)) {
    // Since there is a Reshape before, axes of size 1 may as well come with it.
    Shape plain;
    for (const Dim& size : final) {
      if (!size.is(1)) plain.push_back(size);
    }
    if (plain == permuted && !(permuted == final)) {
      std::vector<int64_t> with_ones;
      size_t next = 0;
      for (const Dim& size : final) {
        if (size.is(1)) {
          with_ones.push_back(static_cast<int64_t>(split.size()));
          split.push_back(Dim(1));
        } else {
          with_ones.push_back(perm[next++]);
        }
      }
      perm = std::move(with_ones);
      permuted = final;
    }
    out.split = std::move(split);
  }
  out.perm = std::move(perm);
  if (!(permuted == final)) out.joined = final;
  return out;
}

}  // namespace

bool is_view(const ir::Node* node) {
  return node && node->domain.empty() &&
         (node->op == "Reshape" || node->op == "Flatten" || node->op == "Squeeze" ||
          node->op == "Unsqueeze" || node->op == "Transpose");
}

namespace {

bool has_empty_axis(const Shape& shape) {
  return std::ranges::any_of(shape, [](const Dim& size) { return size.is(0); });
}

}  // namespace

std::optional<Rearrangement> compose(const ir::Shape& source,
                                     const std::vector<const ir::Node*>& views) {
  Factors factors(source);
  if (has_empty_axis(source) || !factors.apply(views)) return std::nullopt;
  return factors.result(source, *views.back()->output(0)->shape());
}

std::optional<Selection> select(const ir::Shape& source, const std::vector<const ir::Node*>& views,
                                size_t axis, int64_t index) {
  Factors factors(source);
  Selection out;
  if (has_empty_axis(source) || !factors.apply(views) || !factors.select(source, axis, index, out))
    return std::nullopt;
  Shape part = source, final = *views.back()->output(0)->shape();
  part[out.axis] = Dim(out.length);
  final.erase(final.begin() + static_cast<ptrdiff_t>(axis));
  out.rearrangement = factors.result(part, final);
  return out;
}

}  // namespace tenon::passes
