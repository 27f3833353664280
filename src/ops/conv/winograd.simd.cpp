#include "ops/conv/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/conv/winograd.simd.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // NOLINT: must come before highway.h
#include <hwy/highway.h>

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace tenon::ops::winograd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most a block of 16 channels; narrower vectors take several steps.
using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

// One column of B^T d: d[0..6) -> t[0..6).
HWY_INLINE void InputColumn(D d, const V* x, V* t) {
  const V four = hn::Set(d, 4.0f), five = hn::Set(d, 5.0f), two = hn::Set(d, 2.0f);
  const V a = hn::NegMulAdd(four, x[2], x[4]);  // x4 - 4 x2
  const V b = hn::NegMulAdd(four, x[1], x[3]);  // x3 - 4 x1
  const V c = hn::Sub(x[4], x[2]);
  const V e = hn::Mul(two, hn::Sub(x[3], x[1]));
  t[0] = hn::MulAdd(four, x[0], hn::NegMulAdd(five, x[2], x[4]));
  t[1] = hn::Add(a, b);
  t[2] = hn::Sub(a, b);
  t[3] = hn::Add(c, e);
  t[4] = hn::Sub(c, e);
  t[5] = hn::MulAdd(four, x[1], hn::NegMulAdd(five, x[3], x[5]));
}

// One column of A^T m: m[0..6) -> y[0..4).
HWY_INLINE void OutputColumn(D d, const V* m, V* y) {
  const V two = hn::Set(d, 2.0f), four = hn::Set(d, 4.0f), eight = hn::Set(d, 8.0f);
  const V s1 = hn::Add(m[1], m[2]), d1 = hn::Sub(m[1], m[2]);
  const V s2 = hn::Add(m[3], m[4]), d2 = hn::Sub(m[3], m[4]);
  y[0] = hn::Add(m[0], hn::Add(s1, s2));
  y[1] = hn::MulAdd(two, d2, d1);
  y[2] = hn::MulAdd(four, s2, s1);
  y[3] = hn::Add(hn::MulAdd(eight, d2, d1), m[5]);
}

struct Place {
  int64_t n, y, x;  // image, and the tile's first output
};
HWY_INLINE Place PlaceOf(const Problem& p, int64_t tile) {
  const int64_t per_image = p.tiles_y * p.tiles_x, rest = tile % per_image;
  return {tile / per_image, rest / p.tiles_x * kTile, rest % p.tiles_x * kTile};
}

void Input(const Problem& p, const float* x, int64_t first, int64_t count, int64_t b0, int64_t b1,
           float* v) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t channels = p.in_channels(), stride = point_stride(count, channels);
  // Blocks outside, tiles inside: neighbouring tiles read on along the same rows of memory.
  for (int64_t b = b0; b < b1; ++b) {
    for (int64_t t = 0; t < count; ++t) {
      const Place at = PlaceOf(p, first + t);
      const int64_t y0 = at.y - p.pad_top, x0 = at.x - p.pad_left;
      const bool inside = y0 >= 0 && x0 >= 0 && y0 + 6 <= p.height && x0 + 6 <= p.width;
      const float* plane = x + (at.n * p.in_blocks + b) * p.height * p.width * p.block;
      if (inside) {  // what the tile after the next one adds, on its way from the shared cache
#pragma GCC unroll 8
        for (int64_t r = 0; r < 6; ++r) {
          const float* ahead = plane + ((y0 + r) * p.width + x0 + 10) * p.block;
          for (int64_t c = 0; c < 4; ++c) hwy::Prefetch(ahead + c * p.block);
        }
      }
      for (int64_t l = 0; l < p.block; l += lanes) {
        V rows[6][6];  // [column][point along y]
        HWY_ALIGN V line[6];
#pragma GCC unroll 8
        for (int64_t c = 0; c < 6; ++c) {
#pragma GCC unroll 8
          for (int64_t r = 0; r < 6; ++r) {
            const int64_t yy = y0 + r, xx = x0 + c;
            const bool in = inside || (yy >= 0 && yy < p.height && xx >= 0 && xx < p.width);
            line[r] = in ? hn::LoadU(d, plane + (yy * p.width + xx) * p.block + l) : hn::Zero(d);
          }
          InputColumn(d, line, rows[c]);
        }
        float* to = v + t * channels + b * p.block + l;
#pragma GCC unroll 8
        for (int64_t r = 0; r < 6; ++r) {
          V out[6];
#pragma GCC unroll 8
          for (int64_t c = 0; c < 6; ++c) line[c] = rows[c][r];
          InputColumn(d, line, out);
#pragma GCC unroll 8
          for (int64_t c = 0; c < 6; ++c) hn::StoreU(out[c], d, to + (r * 6 + c) * stride);
        }
      }
    }
  }
}

void Output(const Problem& p, const float* m, Points ms, int64_t first, int64_t count, int64_t b0,
            int64_t b1, const float* bias, const float* residual, float* y) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V low = hn::Set(d, p.low), high = hn::Set(d, p.high);
  for (int64_t b = b0; b < b1; ++b) {
    for (int64_t t = 0; t < count; ++t) {
      const Place at = PlaceOf(p, first + t);
      const int64_t height = std::min(kTile, p.out_height - at.y);
      const int64_t width = std::min(kTile, p.out_width - at.x);
      for (int64_t r = 0; r < height; ++r) {
        const int64_t ahead = (at.n * p.out_blocks + b) * p.out_height * p.out_width +
                              (at.y + r) * p.out_width + at.x + 2 * kTile;
        for (int64_t c = 0; c < kTile; ++c) {
          __builtin_prefetch(y + (ahead + c) * p.block, 1);
          if (residual != nullptr) hwy::Prefetch(residual + (ahead + c) * p.block);
        }
      }
      for (int64_t l = 0; l < p.block; l += lanes) {
        const float* from = m + t * ms.row + (b - b0) * p.block + l;
        V columns[6][4];  // [column][output along y]
        V line[6];
#pragma GCC unroll 8
        for (int64_t c = 0; c < 6; ++c) {
#pragma GCC unroll 8
          for (int64_t r = 0; r < 6; ++r) line[r] = hn::LoadU(d, from + (r * 6 + c) * ms.point);
          OutputColumn(d, line, columns[c]);
        }
        const V add = bias ? hn::LoadU(d, bias + b * p.block + l) : hn::Zero(d);
        const int64_t plane = (at.n * p.out_blocks + b) * p.out_height * p.out_width * p.block + l;
        for (int64_t r = 0; r < height; ++r) {
          V out[4];
#pragma GCC unroll 8
          for (int64_t c = 0; c < 6; ++c) line[c] = columns[c][r];
          OutputColumn(d, line, out);
          for (int64_t c = 0; c < width; ++c) {
            const int64_t offset = plane + ((at.y + r) * p.out_width + at.x + c) * p.block;
            V value = hn::Add(out[c], add);
            if (residual != nullptr) value = hn::Add(value, hn::LoadU(d, residual + offset));
            hn::StoreU(hn::Min(hn::Max(value, low), high), d, y + offset);
          }
        }
      }
    }
  }
}

// R tiles by C vectors of output channels, summed over input channels in registers.
template <int R, int C>
HWY_INLINE void Micro(const float* HWY_RESTRICT v, int64_t v_row, const float* HWY_RESTRICT u,
                      int64_t u_row, int64_t depth, float* HWY_RESTRICT m, int64_t m_row,
                      bool accumulate) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  V acc[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c)
      acc[r][c] = accumulate ? hn::LoadU(d, m + r * m_row + c * lanes) : hn::Zero(d);
  }
  for (int64_t k = 0; k < depth; ++k) {
    V w[C];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) w[c] = hn::LoadU(d, u + k * u_row + c * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const V a = hn::Set(d, v[r * v_row + k]);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) acc[r][c] = hn::MulAdd(a, w[c], acc[r][c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) hn::StoreU(acc[r][c], d, m + r * m_row + c * lanes);
  }
}

template <int C>
HWY_INLINE void Rows(const float* v, int64_t v_row, const float* u, int64_t u_row, int64_t tiles,
                     int64_t depth, float* m, int64_t m_row, bool accumulate) {
  int64_t t = 0;
  for (; t + 6 <= tiles; t += 6)
    Micro<6, C>(v + t * v_row, v_row, u, u_row, depth, m + t * m_row, m_row, accumulate);
  const float* rest = v + t * v_row;
  float* to = m + t * m_row;
  switch (tiles - t) {
    case 5:
      return Micro<5, C>(rest, v_row, u, u_row, depth, to, m_row, accumulate);
    case 4:
      return Micro<4, C>(rest, v_row, u, u_row, depth, to, m_row, accumulate);
    case 3:
      return Micro<3, C>(rest, v_row, u, u_row, depth, to, m_row, accumulate);
    case 2:
      return Micro<2, C>(rest, v_row, u, u_row, depth, to, m_row, accumulate);
    case 1:
      return Micro<1, C>(rest, v_row, u, u_row, depth, to, m_row, accumulate);
    default:
      return;
  }
}

void Multiply(const float* v, Points vs, const float* u, Points us, int64_t tiles, int64_t depth,
              int64_t width, float* m, Points ms, bool accumulate) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // Vectors that fit the registers together: 4 with 32 registers, 2 with 16.
  constexpr int64_t kVectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;
  for (int64_t point = 0; point < kPoints; ++point) {
    const float* from = v + point * vs.point;
    const float* weights = u + point * us.point;
    float* to = m + point * ms.point;
    for (int64_t c = 0; c < width;) {
      const int64_t vectors = std::min((width - c) / lanes, kVectors);
      auto rows = [&]<int C>() HWY_ATTR {
        Rows<C>(from, vs.row, weights + c, us.row, tiles, depth, to + c, ms.row, accumulate);
      };
      switch (vectors) {
        case 4:
          rows.template operator()<4>();
          break;
        case 3:
          rows.template operator()<3>();
          break;
        case 2:
          rows.template operator()<2>();
          break;
        default:
          rows.template operator()<1>();
      }
      c += vectors * lanes;
    }
  }
}

// G g of one column: g[0..3) -> t[0..6).
HWY_INLINE void WeightColumn(D d, V g0, V g1, V g2, V* t) {
  const V sixth = hn::Set(d, -1.0f / 6), outer = hn::Add(g0, g2);
  const V far = hn::MulAdd(g0, hn::Set(d, 1.0f / 24), hn::Mul(g2, hn::Set(d, 1.0f / 6)));
  const V middle = hn::Mul(g1, hn::Set(d, 1.0f / 12));
  t[0] = hn::Mul(g0, hn::Set(d, 0.25f));
  t[1] = hn::Mul(hn::Add(outer, g1), sixth);
  t[2] = hn::Mul(hn::Sub(outer, g1), sixth);
  t[3] = hn::Add(far, middle);
  t[4] = hn::Sub(far, middle);
  t[5] = g2;
}

void Panel(const float* packed, int64_t i0, int64_t n, int64_t width, float* u) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t point = point_stride(n, width);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t o = 0; o < width; o += lanes) {
      const float* w = packed + (i0 + i) * 9 * width + o;
      V half[3][6];
#pragma GCC unroll 8
      for (int64_t c = 0; c < 3; ++c) {
        WeightColumn(d, hn::LoadU(d, w + c * width), hn::LoadU(d, w + (3 + c) * width),
                     hn::LoadU(d, w + (6 + c) * width), half[c]);
      }
#pragma GCC unroll 8
      for (int64_t r = 0; r < 6; ++r) {
        V out[6];
        WeightColumn(d, half[0][r], half[1][r], half[2][r], out);
#pragma GCC unroll 8
        for (int64_t c = 0; c < 6; ++c)
          hn::StoreU(out[c], d, u + (r * 6 + c) * point + i * width + o);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace tenon::ops::winograd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tenon::ops::winograd {
HWY_EXPORT(Input);
HWY_EXPORT(Output);
HWY_EXPORT(Multiply);
HWY_EXPORT(Panel);

void transform_input(const Problem& p, const float* x, int64_t first, int64_t count, int64_t b0,
                     int64_t b1, float* v) {
  HWY_DYNAMIC_DISPATCH(Input)(p, x, first, count, b0, b1, v);
}
void multiply(const float* v, Points vs, const float* u, Points us, int64_t tiles, int64_t depth,
              int64_t width, float* m, Points ms, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(Multiply)(v, vs, u, us, tiles, depth, width, m, ms, accumulate);
}
void transform_output(const Problem& p, const float* m, Points ms, int64_t first, int64_t count,
                      int64_t b0, int64_t b1, const float* bias, const float* residual, float* y) {
  HWY_DYNAMIC_DISPATCH(Output)(p, m, ms, first, count, b0, b1, bias, residual, y);
}
void transform_panel(const float* packed, int64_t i, int64_t n, int64_t width, float* u) {
  HWY_DYNAMIC_DISPATCH(Panel)(packed, i, n, width, u);
}

void pack_weights(const float* weights, int64_t out, int64_t in, const Problem& p, float* packed) {
  const int64_t panel = kPanel * p.block;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o / panel * panel, width = std::min(panel, p.out_channels() - first);
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t tap = 0; tap < 9; ++tap) {
        packed[first * p.in_channels() * 9 + (i * 9 + tap) * width + o - first] =
            weights[(o * in + i) * 9 + tap];
      }
    }
  }
}

void transform_weights(const float* weights, int64_t out, int64_t in, const Problem& p, float* u) {
  static constexpr double g[6][3] = {{1.0 / 4, 0, 0},
                                     {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                     {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                     {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                     {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                     {0, 0, 1}};
  const int64_t in_p = p.in_channels(), out_p = p.out_channels(), panel = kPanel * p.block;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o / panel * panel, width = std::min(panel, out_p - first);
    for (int64_t i = 0; i < in; ++i) {
      const float* w = weights + (o * in + i) * 9;
      double half[6][3];
      for (int a = 0; a < 6; ++a) {
        for (int c = 0; c < 3; ++c)
          half[a][c] = g[a][0] * static_cast<double>(w[c]) +
                       g[a][1] * static_cast<double>(w[3 + c]) +
                       g[a][2] * static_cast<double>(w[6 + c]);
      }
      for (int a = 0; a < 6; ++a) {
        for (int b = 0; b < 6; ++b) {
          const double value = half[a][0] * g[b][0] + half[a][1] * g[b][1] + half[a][2] * g[b][2];
          u[(a * 6 + b) * in_p * out_p + first * in_p + i * width + o - first] =
              static_cast<float>(value);
        }
      }
    }
  }
}

}  // namespace tenon::ops::winograd
#endif
