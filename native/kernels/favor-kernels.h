#pragma once
#include "favor-forms.h"
#include "vector-math.h"

// Inner loops of favor_by_pairs over one head of one sequence; inlined into functions for each instruction set.
namespace lvm::favor {

// Sizes of one head of one sequence. Its table holds the queries in rows 0 … queries − 1 and the keys in the `time` rows after
// them.
struct Sizes {
  int64_t batch, time, queries, heads, e, m;
  double causal_floor;  // 0 when not causal
  int64_t rows() const { return queries + time; }
  int64_t pairs() const { return batch * heads; }
  int64_t seen(int64_t query) const { return causal_floor > 0 ? time - queries + query + 1 : time; }
  double s() const { return std::pow(double(e), -0.25); }
  double c() const { return std::pow(double(m), -0.5); }
};

template <typename F>
LVM_INLINE F dot(int64_t n, const F* a, const F* b) {
  constexpr int64_t lanes = 16;
  F sums[lanes] = {};
  int64_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    for (int64_t l = 0; l < lanes; ++l) sums[l] += a[j + l] * b[j + l];
  }
  F sum = 0;
  for (int64_t l = 0; l < lanes; ++l) sum += sums[l];
  for (; j < n; ++j) sum += a[j] * b[j];
  return sum;
}

template <typename F>
LVM_INLINE F largest(int64_t n, const F* a, F top) {
  constexpr int64_t lanes = 16;
  F tops[lanes];
  for (int64_t l = 0; l < lanes; ++l) tops[l] = top;
  int64_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    for (int64_t l = 0; l < lanes; ++l) tops[l] = a[j + l] > tops[l] ? a[j + l] : tops[l];
  }
  for (int64_t l = 0; l < lanes; ++l) top = tops[l] > top ? tops[l] : top;
  for (; j < n; ++j) top = a[j] > top ? a[j] : top;
  return top;
}

template <typename F>
LVM_INLINE void add(int64_t n, F a, const F* x, F* y) {
  for (int64_t j = 0; j < n; ++j) y[j] += a * x[j];
}

// Rotates queries and keys of one head and multiplies them by s. x: the head's query at the first position.
template <typename F>
LVM_INLINE void turn(const Sizes& z, const F* x, const F* sin, const F* cos, F* out) {
  const auto inner = z.heads * z.e, half = z.e / 2;
  const F s = F(z.s());
  for (int64_t row = 0; row < z.rows(); ++row, out += z.e) {
    const auto t = row < z.queries ? z.time - z.queries + row : row - z.queries;
    const F* from = x + t * 3 * inner + (row < z.queries ? 0 : inner);
    for (int64_t j = 0; j < half; ++j) {
      const F a = from[2 * j] * s, b = from[2 * j + 1] * s, si = sin[t * half + j], co = cos[t * half + j];
      out[2 * j] = a * co - b * si;
      out[2 * j + 1] = b * co + a * si;
    }
  }
}

// phi: projections on entry, features on return. weights [queries, time]: rows sum to one, up to the floor. sums [queries]: the
// divisors of the rows.
template <typename F>
LVM_INLINE void attend(const Sizes& z, const F* turned, F* phi, const F* v, F* weights, F* sums, F* out) {
  const auto inner = z.heads * z.e;
  const F c = F(z.c()), floor = F(feature_floor);
  const F* keys = phi + z.queries * z.m;
  F top = largest(z.time * z.m, keys, keys[0]);
  for (int64_t row = 0; row < z.rows(); ++row) {
    F* p = phi + row * z.m;
    const F* x = turned + row * z.e;
    const F shift = dot(z.e, x, x) / 2 + (row < z.queries ? largest(z.m, p, p[0]) : top);
    for (int64_t j = 0; j < z.m; ++j) p[j] = c * (exponential(p[j] - shift) + floor);
  }
  for (int64_t t = 0; t < z.queries; ++t, weights += z.time, out += inner) {
    const F* query = phi + t * z.m;
    F sum = 0;
    if (z.causal_floor > 0) {
      for (int64_t j = 0; j < z.m; ++j) sum += query[j];
      sum *= F(z.causal_floor);
    }
    const auto seen = z.seen(t);
    for (int64_t at = 0; at < seen; ++at) sum += weights[at] = dot(z.m, query, keys + at * z.m);
    sums[t] = sum;
    for (int64_t j = 0; j < z.e; ++j) out[j] = 0;
    for (int64_t at = 0; at < z.time; ++at) {
      weights[at] = at < seen ? weights[at] / sum : F(0);
      add(z.e, weights[at], v + at * 3 * inner, out);
    }
  }
}

// g: on return gradients of the projections. pull: on return gradients of −|x|² / 2. Adds to dv.
template <typename F>
LVM_INLINE void attend_back(const Sizes& z, const F* phi, const F* v, const F* weights, const F* sums, const F* dy, F* g, F* pull,
                            F* dv) {
  const auto inner = z.heads * z.e;
  const F least = F(z.c() * feature_floor);
  const F* keys = phi + z.queries * z.m;
  F* key_gradients = g + z.queries * z.m;
  for (int64_t j = 0; j < z.rows() * z.m; ++j) g[j] = 0;
  for (int64_t t = 0; t < z.queries; ++t, weights += z.time, dy += inner) {
    const auto seen = z.seen(t);
    const F* query = phi + t * z.m;
    F* query_gradient = g + t * z.m;
    F mean = 0;
    for (int64_t at = 0; at < seen; ++at) {
      mean += weights[at] * dot(z.e, dy, v + at * 3 * inner);
      add(z.e, weights[at], dy, dv + at * 3 * inner);
    }
    for (int64_t at = 0; at < seen; ++at) {
      const F d = (dot(z.e, dy, v + at * 3 * inner) - mean) / sums[t];
      add(z.m, d, keys + at * z.m, query_gradient);
      add(z.m, d, query, key_gradients + at * z.m);
    }
    const F d = -mean / sums[t] * F(z.causal_floor);
    for (int64_t j = 0; j < z.m; ++j) query_gradient[j] += d;
  }
  for (int64_t row = 0; row < z.rows(); ++row, g += z.m, phi += z.m) {
    for (int64_t j = 0; j < z.m; ++j) g[j] *= phi[j] - least;
    F sum = 0;
    for (int64_t j = 0; j < z.m; ++j) sum += g[j];
    pull[row] = sum;
  }
}

// Rotates gradients back and adds those of queries and keys to dx.
template <typename F>
LVM_INLINE void turn_back(const Sizes& z, const F* turned, const F* d, const F* pull, const F* sin, const F* cos, F* dx) {
  const auto inner = z.heads * z.e, half = z.e / 2;
  const F s = F(z.s());
  for (int64_t row = 0; row < z.rows(); ++row, turned += z.e, d += z.e) {
    const auto t = row < z.queries ? z.time - z.queries + row : row - z.queries;
    F* into = dx + t * 3 * inner + (row < z.queries ? 0 : inner);
    for (int64_t j = 0; j < half; ++j) {
      const F a = (d[2 * j] - turned[2 * j] * pull[row]) * s, b = (d[2 * j + 1] - turned[2 * j + 1] * pull[row]) * s;
      const F si = sin[t * half + j], co = cos[t * half + j];
      into[2 * j] = a * co + b * si;
      into[2 * j + 1] = b * co - a * si;
    }
  }
}

}  // namespace lvm::favor
