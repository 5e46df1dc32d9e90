#pragma once
#include "vector-math.h"

#include <algorithm>
#include <vector>

// Forward and backward of one sequence between the two projections of a Mamba-2 mixer; see ops/mamba2.cpp for the equations.
namespace lvm::mixer {

// A row of u holds [gate (inner), x (inner), b (state), c (state), dt (heads)]; the convolution reads the middle three.
struct Sizes {
  int64_t time, first, inner, state, heads, taps;  // outputs start at position `first`
  int64_t mixed() const { return inner + 2 * state; }
  int64_t row() const { return 2 * inner + 2 * state + heads; }
  int64_t width() const { return inner / heads; }
  int64_t rows() const { return time - first; }
};

// Weights, or their gradients, packed in one buffer; taps are [K, mixed], decay is −exp(A_log).
inline std::vector<int64_t> packing(const Sizes& s) {
  return {s.taps * s.mixed(), s.mixed(), s.heads, s.heads, s.heads, s.inner};
}
template <typename F>
struct Weights {
  Weights(F* at, const Sizes& s)
      : taps(at),
        bias(taps + s.taps * s.mixed()),
        dt(bias + s.mixed()),
        decay(dt + s.heads),
        skip(decay + s.heads),
        norm(skip + s.heads) {}
  F *taps, *bias, *dt, *decay, *skip, *norm;
};

template <typename F>
struct Room {
  explicit Room(int64_t n) : values(size_t(n)) {}
  operator F*() { return values.data(); }
  void clear() { std::fill(values.begin(), values.end(), F(0)); }
  std::vector<F> values;
};

// Intermediate results of one sequence. Pairs are [t from `first`, s ≤ t, head].
template <typename F>
struct Scratch {
  explicit Scratch(const Sizes& s)
      : before(s.time * s.mixed()),
        active(s.time * s.mixed()),
        dt(s.time * s.heads),
        sum(s.time * s.heads),
        decay(s.rows() * s.time * s.heads),
        score(s.rows() * s.time),
        y(s.rows() * s.inner) {}
  Room<F> before, active;  // convolution, and silu of it
  Room<F> dt, sum;
  Room<F> decay, score, y;
};
template <typename F>
struct Gradients {
  explicit Gradients(const Sizes& s)
      : active(s.time * s.mixed()),
        dt(s.time * s.heads),
        log_decay(s.time * s.heads),
        pair(s.heads),
        run(s.heads),
        row(s.inner) {}
  Room<F> active, dt, log_decay;
  Room<F> pair, run, row;
};

template <typename F>
LVM_INLINE void convolve(const Sizes& s, const F* u, const Weights<const F>& w, F* before, F* active) {
  const auto m = s.mixed();
  for (int64_t t = 0; t < s.time; ++t) {
    F* out = before + t * m;
    for (int64_t c = 0; c < m; ++c) out[c] = w.bias[c];
    for (int64_t j = 0; j < std::min(t + 1, s.taps); ++j) {
      const F *in = u + (t - j) * s.row() + s.inner, *tap = w.taps + (s.taps - 1 - j) * m;
      for (int64_t c = 0; c < m; ++c) out[c] += tap[c] * in[c];
    }
    for (int64_t c = 0; c < m; ++c) active[t * m + c] = out[c] * sigmoid(out[c]);
  }
}

// dt = softplus(raw + bias), and exp(Σ_{s<j≤t} a dt_j) for every pair. Sums each segment, because differences of long sums lose
// digits.
template <typename F>
LVM_INLINE void decays(const Sizes& s, const F* u, const Weights<const F>& w, F* dt, F* sum, F* decay) {
  const auto h = s.heads;
  for (int64_t t = 0; t < s.time; ++t) {
    const F* raw = u + t * s.row() + s.inner + s.mixed();
    LVM_INDEPENDENT
    for (int64_t i = 0; i < h; ++i) {
      dt[t * h + i] = softplus(raw[i] + w.dt[i]);
      sum[t * h + i] = 0;
    }
    for (int64_t at = 0; at < t; ++at) {
      for (int64_t i = 0; i < h; ++i) sum[at * h + i] += dt[t * h + i] * w.decay[i];
    }
    if (t < s.first) continue;
    F* out = decay + (t - s.first) * s.time * h;
    for (int64_t i = 0; i < (t + 1) * h; ++i) out[i] = exponential(sum[i]);
  }
}

// y_t = Σ_{s≤t} (c_t · b_s) decay_ts dt_s x_s + skip x_t
template <typename F>
LVM_INLINE void mix(const Sizes& s, const Weights<const F>& w, const F* active, const F* dt, const F* decay, F* score, F* y) {
  const auto m = s.mixed(), h = s.heads, p = s.width();
  for (int64_t t = s.first; t < s.time; ++t, decay += s.time * h, score += s.time, y += s.inner) {
    const F* now = active + t * m;
    for (int64_t at = 0; at <= t; ++at) score[at] = dot(now + s.inner + s.state, active + at * m + s.inner, s.state);
    for (int64_t i = 0; i < h; ++i) {
      F* out = y + i * p;
      for (int64_t c = 0; c < p; ++c) out[c] = w.skip[i] * now[i * p + c];
      for (int64_t at = 0; at <= t; ++at) {
        const F weight = score[at] * decay[at * h + i] * dt[at * h + i];
        const F* x = active + at * m + i * p;
        for (int64_t c = 0; c < p; ++c) out[c] += weight * x[c];
      }
    }
  }
}

// out = rms(y silu(z)) norm
template <typename F>
LVM_INLINE void gate(int64_t n, const F* y, const F* z, const F* norm, F* out) {
  for (int64_t c = 0; c < n; ++c) out[c] = y[c] * z[c] * sigmoid(z[c]);
  const F scale = 1 / std::sqrt(dot(out, out, n) / F(n) + F(1e-5));
  for (int64_t c = 0; c < n; ++c) out[c] *= scale * norm[c];
}

// On return y holds its gradient; `row` is scratch memory of one row.
template <typename F>
LVM_INLINE void gate_backward(int64_t n, F* y, const F* z, const F* norm, const F* dout, F* dz, F* dnorm, F* row) {
  LVM_INDEPENDENT
  for (int64_t c = 0; c < n; ++c) {
    dz[c] = y[c] * z[c] * sigmoid(z[c]);
    row[c] = dout[c] * norm[c];
  }
  const F scale = 1 / std::sqrt(dot(dz, dz, n) / F(n) + F(1e-5));
  const F along = scale * scale * scale * dot(dz, row, n) / F(n);
  LVM_INDEPENDENT
  for (int64_t c = 0; c < n; ++c) {
    const F s = sigmoid(z[c]), d = scale * row[c] - along * dz[c], value = y[c];
    dnorm[c] += dout[c] * dz[c] * scale;
    dz[c] = d * value * s * (1 + z[c] * (1 - s));
    y[c] = d * z[c] * s;
  }
}

// Gradients of `active`, dt and the log decay per position, from those of y.
template <typename F>
LVM_INLINE void mix_backward(const Sizes& s, const Weights<const F>& w, const F* active, const F* dt, const F* decay,
                             const F* score, const F* dy, const Weights<F>& dw, Gradients<F>& d) {
  const auto m = s.mixed(), h = s.heads, p = s.width();
  F *dactive = d.active, *ddt = d.dt, *dlog = d.log_decay, *run = d.run, *row = d.row, *pair = d.pair;
  for (int64_t t = s.first; t < s.time; ++t, decay += s.time * h, score += s.time, dy += s.inner) {
    for (int64_t i = 0; i < h; ++i) run[i] = 0;
    for (int64_t at = 0; at <= t; ++at) {
      for (int64_t i = 0; i < h; ++i) {
        const F direct = at == t ? w.skip[i] : F(0), weight = score[at] * decay[at * h + i] * dt[at * h + i] + direct;
        const F *x = active + at * m + i * p, *dout = dy + i * p;
        F* dx = dactive + at * m + i * p;
        pair[i] = dot(dout, x, p);
        for (int64_t c = 0; c < p; ++c) dx[c] += weight * dout[c];
      }
      const F similar = score[at];
      LVM_INDEPENDENT
      for (int64_t i = 0; i < h; ++i) {
        const F by_dt = pair[i] * decay[at * h + i], by_score = by_dt * dt[at * h + i];
        row[i] = by_score;
        ddt[at * h + i] += by_dt * similar;
        run[i] += by_score * similar;
      }
      // The decay of the next position lies between `at` and t. At t itself there is none, but the skip connection adds its part.
      F* onto = at < t ? dlog + (at + 1) * h : dw.skip;
      const F* from = at < t ? run : pair;
      for (int64_t i = 0; i < h; ++i) onto[i] += from[i];
      F dscore = 0;
      for (int64_t i = 0; i < h; ++i) dscore += row[i];
      const F *c = active + t * m + s.inner + s.state, *b = active + at * m + s.inner;
      F *dc = dactive + t * m + s.inner + s.state, *db = dactive + at * m + s.inner;
      LVM_INDEPENDENT
      for (int64_t i = 0; i < s.state; ++i) dc[i] += dscore * b[i], db[i] += dscore * c[i];
    }
  }
}

// Gradients of u, from those of `active`, dt and the log decay.
template <typename F>
LVM_INLINE void inputs_backward(const Sizes& s, const F* u, const Weights<const F>& w, const F* before, const F* dt, F* dactive,
                                const F* ddt, const F* dlog, F* du, const Weights<F>& dw) {
  const auto m = s.mixed(), h = s.heads;
  for (int64_t t = 0; t < s.time; ++t) {
    const auto at = t * s.row() + s.inner + m;
    LVM_INDEPENDENT
    for (int64_t i = 0; i < h; ++i) {
      const F d = (ddt[t * h + i] + dlog[t * h + i] * w.decay[i]) * sigmoid(u[at + i] + w.dt[i]);
      du[at + i] = d;
      dw.dt[i] += d;
      dw.decay[i] += dlog[t * h + i] * dt[t * h + i];
    }
    LVM_INDEPENDENT
    for (int64_t c = 0; c < m; ++c) {
      const F x = before[t * m + c], g = sigmoid(x);
      dactive[t * m + c] *= g * (1 + x * (1 - g));
      dw.bias[c] += dactive[t * m + c];
    }
  }
  for (int64_t t = 0; t < s.time; ++t) {
    const F* in = u + t * s.row() + s.inner;
    F* out = du + t * s.row() + s.inner;
    for (int64_t c = 0; c < m; ++c) out[c] = 0;
    for (int64_t j = 0; j < std::min(s.time - t, s.taps); ++j) {
      const auto tap = (s.taps - 1 - j) * m;
      const F *d = dactive + (t + j) * m, *weight = w.taps + tap;
      F* dweight = dw.taps + tap;
      LVM_INDEPENDENT
      for (int64_t c = 0; c < m; ++c) out[c] += weight[c] * d[c], dweight[c] += d[c] * in[c];
    }
  }
}

template <typename F>
LVM_INLINE void forward(const Sizes& s, const F* u, const Weights<const F>& w, Scratch<F>& k, F* out) {
  convolve<F>(s, u, w, k.before, k.active);
  decays<F>(s, u, w, k.dt, k.sum, k.decay);
  mix<F>(s, w, k.active, k.dt, k.decay, k.score, k.y);
  for (int64_t i = 0; i < s.rows(); ++i)
    gate<F>(s.inner, k.y + i * s.inner, u + (s.first + i) * s.row(), w.norm, out + i * s.inner);
}

template <typename F>
LVM_INLINE void backward(const Sizes& s, const F* u, const Weights<const F>& w, Scratch<F>& k, Gradients<F>& d, const F* dout,
                         F* du, const Weights<F>& dw) {
  convolve<F>(s, u, w, k.before, k.active);
  decays<F>(s, u, w, k.dt, k.sum, k.decay);
  mix<F>(s, w, k.active, k.dt, k.decay, k.score, k.y);
  d.active.clear(), d.dt.clear(), d.log_decay.clear();
  for (int64_t t = 0; t < s.first; ++t) std::fill_n(du + t * s.row(), s.inner, F(0));
  for (int64_t i = 0; i < s.rows(); ++i) {
    const auto at = (s.first + i) * s.row();
    gate_backward<F>(s.inner, k.y + i * s.inner, u + at, w.norm, dout + i * s.inner, du + at, dw.norm, d.row);
  }
  mix_backward<F>(s, w, k.active, k.dt, k.decay, k.score, k.y, dw, d);
  inputs_backward<F>(s, u, w, k.before, k.dt, d.active, d.dt, d.log_decay, du, dw);
}

}  // namespace lvm::mixer
