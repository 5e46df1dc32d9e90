#include "retention-kernels.h"

#include "vector-math.h"

#include <ATen/Dispatch.h>
#include "../parallel.h"

namespace lvm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// One head of one sequence: pointers to its first channel, and the distance between its positions.
template <typename F>
struct Head {
  int64_t time, queries, e, ev, d, dv;
  F eps;
  const F *q, *k, *v, *g, *mask, *sin, *cos;

  int64_t at(int64_t query) const { return time - queries + query; }
};

template <typename F>
LVM_INLINE void add_scaled(F* y, F a, const F* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

// Rotates adjacent pairs by an angle; `sign` −1 rotates back.
template <typename F>
LVM_INLINE void turn(F* y, const F* x, const F* sin, const F* cos, F sign, F scale, int64_t e) {
  for (int64_t j = 0; j < e / 2; ++j) {
    const F a = x[2 * j], b = x[2 * j + 1], s = sign * sin[j], c = cos[j];
    y[2 * j] = (a * c - b * s) * scale;
    y[2 * j + 1] = (b * c + a * s) * scale;
  }
}

// Scratch memory of forward and backward: rotated q and k, the rows of A and their divisors, outputs and their 1/rms.
template <typename F>
struct Room {
  explicit Room(const Head<F>& h)
      : q(size_t(h.queries * h.e)),
        k(size_t(h.time * h.e)),
        a(size_t(h.queries * h.time)),
        factor(a.size()),
        o(size_t(h.queries * h.ev)),
        r(size_t(h.queries)) {}
  std::vector<F> q, k, a, factor, o, r;
};

template <typename F>
LVM_INLINE void attend(const Head<F>& h, Room<F>& m) {
  const auto half = h.e / 2;
  const F scale = F(1) / std::sqrt(F(h.e));
  for (int64_t s = 0; s < h.time; ++s)
    turn(m.k.data() + s * h.e, h.k + s * h.d, h.sin + s * half, h.cos + s * half, F(1), scale, h.e);
  for (int64_t i = 0; i < h.queries; ++i) {
    const auto t = h.at(i);
    F *q = m.q.data() + i * h.e, *a = m.a.data() + i * h.time, *factor = m.factor.data() + i * h.time, *o = m.o.data() + i * h.ev;
    turn(q, h.q + i * h.d, h.sin + t * half, h.cos + t * half, F(1), F(1), h.e);
    F sum = 0;
    for (int64_t s = 0; s <= t; ++s) {
      a[s] = dot(q, m.k.data() + s * h.e, h.e) * h.mask[i * h.time + s];
      sum += std::abs(a[s]);
    }
    const F divisor = std::min(std::max(sum, F(1)), F(5e4));
    for (int64_t j = 0; j < h.ev; ++j) o[j] = 0;
    for (int64_t s = 0; s <= t; ++s) {
      a[s] /= divisor;
      factor[s] = h.mask[i * h.time + s] / divisor;
      add_scaled(o, a[s], h.v + s * h.dv, h.ev);
    }
    m.r[size_t(i)] = F(1) / std::sqrt(dot(o, o, h.ev) / F(h.ev) + h.eps);
  }
}

template <typename F>
LVM_INLINE void forward_head(const Head<F>& h, Room<F>& m, F* y) {
  attend(h, m);
  for (int64_t i = 0; i < h.queries; ++i) {
    const F *o = m.o.data() + i * h.ev, *g = h.g + i * h.dv;
    for (int64_t j = 0; j < h.ev; ++j) y[i * h.dv + j] = o[j] * m.r[size_t(i)] * g[j] * sigmoid(g[j]);
  }
}

// The divisor of A has no gradient, as in the reference.
template <typename F>
LVM_INLINE void backward_head(const Head<F>& h, Room<F>& m, F* change, F* turned, const F* dy, F* dq, F* dk, F* dv, F* dg) {
  attend(h, m);
  const auto half = h.e / 2;
  std::fill(turned, turned + h.time * h.e, F(0));
  for (int64_t s = 0; s < h.time; ++s) std::fill(dv + s * h.dv, dv + s * h.dv + h.ev, F(0));
  F* query = turned + h.time * h.e;
  for (int64_t i = 0; i < h.queries; ++i) {
    const auto t = h.at(i);
    const F *o = m.o.data() + i * h.ev, *g = h.g + i * h.dv, *q = m.q.data() + i * h.e, r = m.r[size_t(i)];
    for (int64_t j = 0; j < h.ev; ++j) {
      const F gate = sigmoid(g[j]), silu = g[j] * gate, d = dy[i * h.dv + j];
      dg[i * h.dv + j] = d * o[j] * r * (gate + silu * (1 - gate));
      change[j] = d * silu;
    }
    const F mean = dot(change, o, h.ev) / F(h.ev) * r * r;
    for (int64_t j = 0; j < h.ev; ++j) change[j] = r * (change[j] - o[j] * mean);
    std::fill(query, query + h.e, F(0));
    for (int64_t s = 0; s <= t; ++s) {
      const auto at = i * h.time + s;
      const F da = dot(change, h.v + s * h.dv, h.ev) * m.factor[size_t(at)];
      add_scaled(dv + s * h.dv, m.a[size_t(at)], change, h.ev);
      add_scaled(query, da, m.k.data() + s * h.e, h.e);
      add_scaled(turned + s * h.e, da, q, h.e);
    }
    turn(dq + i * h.d, query, h.sin + t * half, h.cos + t * half, F(-1), F(1), h.e);
  }
  const F scale = F(1) / std::sqrt(F(h.e));
  for (int64_t s = 0; s < h.time; ++s)
    turn(dk + s * h.d, turned + s * h.e, h.sin + s * half, h.cos + s * half, F(-1), scale, h.e);
}

// Tensors of one sequence; each task takes one head of them.
template <typename F>
struct Heads {
  int64_t count;
  Head<F> first;

  Heads(const variable_list& t, double eps)
      : count(t[4].size(0)),
        first{t[1].size(1),
              t[0].size(1),
              t[0].size(2) / count,
              t[2].size(2) / count,
              t[0].size(2),
              t[2].size(2),
              F(eps),
              t[0].const_data_ptr<F>(),
              t[1].const_data_ptr<F>(),
              t[2].const_data_ptr<F>(),
              t[3].const_data_ptr<F>(),
              t[4].const_data_ptr<F>(),
              t[5].const_data_ptr<F>(),
              t[6].const_data_ptr<F>()} {}
  int64_t of_queries(int64_t task, int64_t d, int64_t e) const { return task / count * first.queries * d + task % count * e; }
  int64_t of_keys(int64_t task, int64_t d, int64_t e) const { return task / count * first.time * d + task % count * e; }
  Head<F> of(int64_t task) const {
    auto h = first;
    h.q += of_queries(task, h.d, h.e), h.k += of_keys(task, h.d, h.e);
    h.v += of_keys(task, h.dv, h.ev), h.g += of_queries(task, h.dv, h.ev);
    h.mask += task % count * h.queries * h.time;
    return h;
  }
};

template <typename F>
LVM_INLINE void forward_all(const Heads<F>& heads, F* y, int64_t begin, int64_t end) {
  Room<F> room(heads.first);
  for (auto task = begin; task < end; ++task)
    forward_head(heads.of(task), room, y + heads.of_queries(task, heads.first.dv, heads.first.ev));
}
template <typename F>
LVM_INLINE void backward_all(const Heads<F>& heads, const F* dy, F* dq, F* dk, F* dv, F* dg, int64_t begin, int64_t end) {
  const auto& h = heads.first;
  Room<F> room(h);
  std::vector<F> change(size_t(h.ev)), turned(size_t((h.time + 1) * h.e));
  for (auto task = begin; task < end; ++task) {
    const auto queries = heads.of_queries(task, h.dv, h.ev);
    backward_head(heads.of(task), room, change.data(), turned.data(), dy + queries, dq + heads.of_queries(task, h.d, h.e),
                  dk + heads.of_keys(task, h.d, h.e), dv + heads.of_keys(task, h.dv, h.ev), dg + queries);
  }
}
LVM_CLONES void forward_tasks(const Heads<float>& h, float* y, int64_t begin, int64_t end) { forward_all(h, y, begin, end); }
LVM_CLONES void backward_tasks(const Heads<float>& h, const float* dy, float* dq, float* dk, float* dv, float* dg, int64_t begin,
                               int64_t end) {
  backward_all(h, dy, dq, dk, dv, dg, begin, end);
}
void forward_tasks(const Heads<double>& h, double* y, int64_t begin, int64_t end) { forward_all(h, y, begin, end); }
void backward_tasks(const Heads<double>& h, const double* dy, double* dq, double* dk, double* dv, double* dg, int64_t begin,
                    int64_t end) {
  backward_all(h, dy, dq, dk, dv, dg, begin, end);
}

struct ShortRetention final : torch::autograd::Function<ShortRetention> {
  static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& g,
                        const Tensor& mask, const Tensor& sin, const Tensor& cos, double eps) {
    const variable_list all{q.contiguous(), k.contiguous(), v.contiguous(), g.contiguous(), mask, sin, cos};
    ctx->save_for_backward(all);
    ctx->saved_data["eps"] = eps;
    const auto y = torch::empty_like(all[3]);
    AT_DISPATCH_FLOATING_TYPES(q.scalar_type(), "retention", [&] {
      const Heads<scalar_t> heads(all, eps);
      auto* out = y.template mutable_data_ptr<scalar_t>();
      parallel(q.size(0) * heads.count, 4, [&](int64_t begin, int64_t end) { forward_tasks(heads, out, begin, end); });
    });
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto all = ctx->get_saved_variables();
    const auto eps = ctx->saved_data["eps"].toDouble();
    const auto dy = gradients[0].contiguous();
    variable_list d;
    for (int i = 0; i < 4; ++i) d.push_back(torch::empty_like(all[size_t(i)]));
    AT_DISPATCH_FLOATING_TYPES(dy.scalar_type(), "retention", [&] {
      const Heads<scalar_t> heads(all, eps);
      const auto* in = dy.template const_data_ptr<scalar_t>();
      scalar_t* out[4];
      for (size_t i = 0; i < 4; ++i) out[i] = d[i].template mutable_data_ptr<scalar_t>();
      parallel(dy.size(0) * heads.count, 4,
               [&](int64_t begin, int64_t end) { backward_tasks(heads, in, out[0], out[1], out[2], out[3], begin, end); });
    });
    d.resize(8);
    return d;
  }
};

}  // namespace

Tensor retention_mask(const Tensor& log_decay, int64_t queries, int64_t time, torch::Dtype dtype) {
  const auto position = torch::arange(time, log_decay.options().dtype(torch::kFloat64));
  const auto age = position.narrow(0, time - queries, queries).unsqueeze(1) - position;  // [queries, time]
  const auto kept = (age.clamp_min(0) * log_decay.view({-1, 1, 1}).to(torch::kFloat64)).exp().tril(time - queries);
  return (kept / kept.sum(-1, true).sqrt()).to(dtype);
}

Tensor short_retention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& g, const RetentionScale& scale) {
  const auto type = q.scalar_type();
  return ShortRetention::apply(q, k, v, g, retention_mask(scale.log_decay, q.size(1), k.size(1), type),
                               scale.angles.sin.to(type).contiguous(), scale.angles.cos.to(type).contiguous(), scale.eps);
}

}  // namespace lvm
