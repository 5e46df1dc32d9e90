#pragma once
#include "vector-math.h"

#include <algorithm>
#include <vector>

namespace lvm::dplr {

// Channels per vector. Sums over the state add vectors, so their order is fixed.
constexpr int64_t lanes = 16;

template <typename F>
struct Row {
  F re[lanes], im[lanes];
};
template <typename F>
using Rows = std::vector<Row<F>>;  // one per state variable

template <typename F>
struct Inputs {
  int64_t d, n, copies, time;
  const F *inv_dt, *c, *b, *a_real, *a_imag, *p;
};

// Constants of `lanes` channels: q = X P, v = P̄ X.
template <typename F>
struct Channels {
  Channels(const Inputs<F>& in) : n(in.n), a(n), x(n), p(n), q(n), v(n), b(n), c(n) {}

  LVM_INLINE void load(const Inputs<F>& in, int64_t first) {
    for (int64_t l = 0; l < lanes; ++l) {
      const auto channel = std::min(first + l, in.d - 1), copy = channel % in.copies;
      dt[l] = exponential(in.inv_dt[channel]);
      for (int64_t i = 0; i < n; ++i) {
        const auto own = 2 * (channel * n + i), shared = 2 * (copy * n + i);
        a[i].re[l] = in.a_real[copy * n + i], a[i].im[l] = -in.a_imag[copy * n + i];
        p[i].re[l] = in.p[shared], p[i].im[l] = in.p[shared + 1];
        b[i].re[l] = in.b[shared], b[i].im[l] = in.b[shared + 1];
        c[i].re[l] = in.c[own], c[i].im[l] = in.c[own + 1];
      }
    }
    F sum[lanes] = {};
    for (int64_t i = 0; i < n; ++i) {
      LVM_INDEPENDENT
      for (int64_t l = 0; l < lanes; ++l) {
        const F re = -exponential(a[i].re[l]), half = dt[l] / 2, pr = p[i].re[l], pi = p[i].im[l];
        const F zr = 1 - half * re, zi = -half * a[i].im[l], inverse = 1 / (zr * zr + zi * zi);
        const F xr = zr * inverse, xi = -zi * inverse;
        a[i].re[l] = re, x[i].re[l] = xr, x[i].im[l] = xi;
        q[i].re[l] = xr * pr - xi * pi, q[i].im[l] = xr * pi + xi * pr;
        v[i].re[l] = xr * pr + xi * pi, v[i].im[l] = xi * pr - xr * pi;
        sum[l] += (pr * pr + pi * pi) * xr;
      }
    }
    for (int64_t l = 0; l < lanes; ++l) norm[l] = 1 + dt[l] * sum[l], mu[l] = dt[l] / norm[l];
  }

  int64_t n;
  Rows<F> a, x, p, q, v, b, c;
  F dt[lanes], mu[lanes], norm[lanes];
};

// Re Σ f s and Re Σ g s, in one pass.
template <typename F>
LVM_INLINE void real_sums(int64_t n, const Row<F>* s, const Row<F>* f, const Row<F>* g, F* of_f, F* of_g) {
  F one[lanes] = {}, two[lanes] = {};
  for (int64_t i = 0; i < n; ++i) {
    LVM_INDEPENDENT
    for (int64_t l = 0; l < lanes; ++l) {
      const F re = s[i].re[l], im = s[i].im[l];
      one[l] += f[i].re[l] * re - f[i].im[l] * im;
      two[l] += g[i].re[l] * re - g[i].im[l] * im;
    }
  }
  std::copy(one, one + lanes, of_f), std::copy(two, two + lanes, of_g);
}

// scale · h(s) − less · s, where sigma = Re Σ v s.
template <typename F>
LVM_INLINE void solve(const Channels<F>& k, const Row<F>* s, const F* sigma, const F* scale, F less, Row<F>* out) {
  F weight[lanes];
  for (int64_t l = 0; l < lanes; ++l) weight[l] = k.mu[l] * sigma[l];
  for (int64_t i = 0; i < k.n; ++i) {
    LVM_INDEPENDENT
    for (int64_t l = 0; l < lanes; ++l) {
      const F re = s[i].re[l], im = s[i].im[l], xr = k.x[i].re[l], xi = k.x[i].im[l];
      out[i].re[l] = scale[l] * (xr * re - xi * im - k.q[i].re[l] * weight[l]) - less * re;
      out[i].im[l] = scale[l] * (xr * im + xi * re - k.q[i].im[l] * weight[l]) - less * im;
    }
  }
}

// Computes all states s_1 … s_T, Re Σ v of the state before each, and Re Σ C s of each.
template <typename F>
LVM_INLINE void run(const Channels<F>& k, int64_t time, Row<F>* states, F* sigma, F* answers) {
  F twice[lanes];
  std::fill(twice, twice + lanes, F(2));
  real_sums(k.n, k.b.data(), k.v.data(), k.c.data(), sigma, answers);
  solve(k, k.b.data(), sigma, k.dt, F(0), states);
  for (int64_t t = 0; t < time; ++t) {
    real_sums(k.n, states + t * k.n, k.v.data(), k.c.data(), sigma + (t + 1) * lanes, answers + t * lanes);
    if (t + 1 < time) solve(k, states + t * k.n, sigma + (t + 1) * lanes, twice, F(1), states + (t + 1) * k.n);
  }
}

}  // namespace lvm::dplr
