// The sums are stored as p eᵒ and q eᵒ, with o the largest exponent so far, so that no key overflows them.
//
//   M = max(o, u + k)        y = (e^{o−M} p + e^{u+k−M} v) / (e^{o−M} q + e^{u+k−M})
//   M' = max(w + o, k)       p = e^{w+o−M'} p + e^{k−M'} v,  q likewise,  o = M'
//
// The backward pass stores the gradients of p and q in the same way, with an exponent b ≤ −k.
//
// source  Peng et al. 2023, arXiv:2305.13048 appendix; parity: rwkv

#include "wkv.h"

#include "../parallel.h"
#include "at-least-float32.h"
#include "vector-math.h"

#include <ATen/Dispatch.h>

namespace lvm {
namespace {

constexpr int64_t block = 64;  // channels per task
constexpr double nothing = -1e38;

// One block of channels of one sequence. `width` is the distance between positions; outputs start at `from`.
struct Run {
  int64_t time, from, count, width;
};

// e^{a−m} and e^{b−m} for m = max(a, b), with one call of exp.
template <typename F>
struct Shares {
  LVM_INLINE Shares(F a, F b) : larger(a > b ? a : b) {
    const F d = a - b, smaller = exponential(d < 0 ? d : -d);
    of_a = d < 0 ? smaller : F(1);
    of_b = d < 0 ? F(1) : smaller;
  }
  F larger, of_a, of_b;
};

template <typename F>
struct Sums {
  F p[block], q[block], o[block];
  LVM_INLINE void clear() {
    for (int64_t c = 0; c < block; ++c) p[c] = q[c] = 0, o[c] = F(nothing);
  }
};

// Sums after a position, from those before it; both may be the same object.
template <typename F>
LVM_INLINE void advance(int64_t n, const F* k, const F* v, const F* w, const Sums<F>& s, Sums<F>& after) {
  LVM_INDEPENDENT
  for (int64_t c = 0; c < n; ++c) {
    const Shares<F> e(w[c] + s.o[c], k[c]);
    after.p[c] = e.of_a * s.p[c] + e.of_b * v[c];
    after.q[c] = e.of_a * s.q[c] + e.of_b;
    after.o[c] = e.larger;
  }
}

template <typename F>
LVM_INLINE void forward(Run run, const F* k, const F* v, const F* r, const F* w, const F* u, F* out) {
  Sums<F> s;
  s.clear();
  for (int64_t t = 0; t < run.time; ++t, k += run.width, v += run.width) {
    if (t >= run.from) {
      LVM_INDEPENDENT
      for (int64_t c = 0; c < run.count; ++c) {
        const Shares<F> e(s.o[c], u[c] + k[c]);
        out[c] = sigmoid(r[c]) * (e.of_a * s.p[c] + e.of_b * v[c]) / (e.of_a * s.q[c] + e.of_b);
      }
      out += run.width, r += run.width;
    }
    advance(run.count, k, v, w, s, s);
  }
}

// Gradients of one position, from the sums before it. `d` holds the gradients of the sums after it. `read` is false where the
// output is not used.
template <bool read, typename F>
LVM_INLINE void step_back(int64_t n, const Sums<F>& s, Sums<F>& d, const F* k, const F* v, const F* r, const F* w, const F* u,
                          const F* dout, F* dk, F* dv, F* dr, F* dw, F* du) {
  LVM_INDEPENDENT
  for (int64_t c = 0; c < n; ++c) {
    const F p = s.p[c], q = s.q[c], o = s.o[c], dp = d.p[c], dq = d.q[c], b = d.o[c];
    const F along = exponential(k[c] + b);
    const Shares<F> e(o, u[c] + k[c]), into(w[c] + b, -e.larger);
    F by_p = 0, by_q = 0, direct = 0, by_value = 0;
    if constexpr (read) {
      const F below = 1 / (e.of_a * q + e.of_b), y = (e.of_a * p + e.of_b * v[c]) * below, g = sigmoid(r[c]);
      by_p = dout[c] * g * below;
      by_q = -by_p * y;
      by_value = by_p * e.of_b;
      direct = by_value * (v[c] - y);
      dr[c] = dout[c] * y * g * (1 - g);
      du[c] += direct;
    }
    dk[c] = along * (v[c] * dp + dq) + direct;
    dv[c] = along * dp + by_value;
    dw[c] += exponential(w[c] + o + b) * (dp * p + dq * q);
    d.p[c] = into.of_a * dp + into.of_b * by_p;
    d.q[c] = into.of_a * dq + into.of_b * by_q;
    d.o[c] = into.larger;
  }
}

// du and dw are those of this sequence alone. `all` is scratch memory for the sums before every position.
template <typename F>
LVM_INLINE void backward(Run run, const F* k, const F* v, const F* r, const F* w, const F* u, const F* dout, F* dk, F* dv, F* dr,
                         F* dw, F* du, Sums<F>* all) {
  Sums<F> d;  // of p and q, and their exponent
  d.clear();
  all[0].clear();
  for (int64_t t = 0; t + 1 < run.time; ++t) advance(run.count, k + t * run.width, v + t * run.width, w, all[t], all[t + 1]);
  for (int64_t t = run.time - 1; t >= 0; --t) {
    const auto at = t * run.width, row = std::max<int64_t>(t - run.from, 0) * run.width;
    if (t >= run.from) {
      step_back<true>(run.count, all[t], d, k + at, v + at, r + row, w, u, dout + row, dk + at, dv + at, dr + row, dw, du);
    } else {
      step_back<false>(run.count, all[t], d, k + at, v + at, r, w, u, dout, dk + at, dv + at, dr, dw, du);
    }
  }
}

using Floats = float*;
using Constants = const float*;
LVM_CLONES void forward_run(Run run, Constants k, Constants v, Constants r, Constants w, Constants u, Floats out) {
  forward(run, k, v, r, w, u, out);
}
LVM_CLONES void backward_run(Run run, Constants k, Constants v, Constants r, Constants w, Constants u, Constants dout, Floats dk,
                             Floats dv, Floats dr, Floats dw, Floats du, Sums<float>* all) {
  backward(run, k, v, r, w, u, dout, dk, dv, dr, dw, du, all);
}
void forward_run(Run run, const double* k, const double* v, const double* r, const double* w, const double* u, double* out) {
  forward(run, k, v, r, w, u, out);
}
void backward_run(Run run, const double* k, const double* v, const double* r, const double* w, const double* u,
                  const double* dout, double* dk, double* dv, double* dr, double* dw, double* du, Sums<double>* all) {
  backward(run, k, v, r, w, u, dout, dk, dv, dr, dw, du, all);
}

// Calls work(sequence, first channel, channels) for every block of channels of every sequence.
template <typename Work>
void over_blocks(int64_t batch, int64_t time, int64_t width, Work work) {
  const auto blocks = (width + block - 1) / block, grain = std::max<int64_t>(1, 8192 / (time * block));
  parallel(batch * blocks, grain, [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const auto at = i % blocks * block;
      work(i / blocks, at, std::min(block, width - at));
    }
  });
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Wkv final : torch::autograd::Function<Wkv> {
  static Tensor forward(AutogradContext* ctx, const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay,
                        const Tensor& first) {
    ctx->save_for_backward({k, v, r, decay, first});
    const auto [keys, values, gates, w, u] = inputs(k, v, r, decay, first);
    const auto out = torch::empty_like(gates);
    const auto time = k.size(1), width = k.size(2), rows = r.size(1);
    AT_DISPATCH_FLOATING_TYPES(keys.scalar_type(), "wkv", [&] {
      over_blocks(k.size(0), time, width, [&](int64_t i, int64_t at, int64_t count) {
        const auto here = i * time * width + at, there = i * rows * width + at;
        forward_run({time, time - rows, count, width}, keys.const_data_ptr<scalar_t>() + here,
                    values.const_data_ptr<scalar_t>() + here, gates.const_data_ptr<scalar_t>() + there,
                    w.const_data_ptr<scalar_t>() + at, u.const_data_ptr<scalar_t>() + at,
                    out.mutable_data_ptr<scalar_t>() + there);
      });
    });
    return out.to(r.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &k = saved[0], &v = saved[1], &r = saved[2], &decay = saved[3], &first = saved[4];
    const auto [keys, values, gates, w, u] = inputs(k, v, r, decay, first);
    const auto dout = gradients[0].to(keys.scalar_type()).contiguous();
    const auto dk = torch::empty_like(keys), dv = torch::empty_like(keys), dr = torch::empty_like(gates);
    const auto batch = k.size(0), time = k.size(1), width = k.size(2), rows = r.size(1);
    const auto dw = torch::zeros({batch, width}, keys.options()), du = torch::zeros_like(dw);
    AT_DISPATCH_FLOATING_TYPES(keys.scalar_type(), "wkv", [&] {
      over_blocks(batch, time, width, [&](int64_t i, int64_t at, int64_t count) {
        const auto all = std::make_unique_for_overwrite<Sums<scalar_t>[]>(size_t(time));
        const auto here = i * time * width + at, there = i * rows * width + at, own = i * width + at;
        backward_run({time, time - rows, count, width}, keys.const_data_ptr<scalar_t>() + here,
                     values.const_data_ptr<scalar_t>() + here, gates.const_data_ptr<scalar_t>() + there,
                     w.const_data_ptr<scalar_t>() + at, u.const_data_ptr<scalar_t>() + at,
                     dout.const_data_ptr<scalar_t>() + there, dk.mutable_data_ptr<scalar_t>() + here,
                     dv.mutable_data_ptr<scalar_t>() + here, dr.mutable_data_ptr<scalar_t>() + there,
                     dw.mutable_data_ptr<scalar_t>() + own, du.mutable_data_ptr<scalar_t>() + own, all.get());
      });
    });
    return {dk.to(k.scalar_type()), dv.to(v.scalar_type()), dr.to(r.scalar_type()),
            (dw.sum(0) * w).to(decay.scalar_type()),  // w = −exp(decay) is its own derivative
            du.sum(0).to(first.scalar_type())};
  }

  static std::array<Tensor, 5> inputs(const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay,
                                      const Tensor& first) {
    const auto keys = wide(k).contiguous();
    return {keys, wide(v).contiguous(), wide(r).contiguous(), -decay.to(keys.scalar_type()).exp(), first.to(keys.scalar_type())};
  }
};

}  // namespace

Tensor wkv(const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay, const Tensor& first) {
  std::vector<Tensor> nothing_before;
  return k.is_cpu() ? Wkv::apply(k, v, r, decay, first) : wkv_steps(k, v, r, decay, first, nothing_before);
}

Tensor wkv_steps(const Tensor& k, const Tensor& v, const Tensor& r, const Tensor& decay, const Tensor& first,
                 std::vector<Tensor>& sums) {
  const auto keys = wide(k), values = wide(v);
  const auto w = -wide(decay).exp(), u = wide(first);
  if (sums.empty()) {
    const auto zeros = torch::zeros_like(keys.select(1, 0));
    sums = {zeros, zeros, torch::full_like(zeros, nothing)};
  }
  auto p = sums[0], q = sums[1], o = sums[2];
  std::vector<Tensor> out;
  for (int64_t t = 0; t < k.size(1); ++t) {
    const auto key = keys.select(1, t), value = values.select(1, t);
    if (t >= k.size(1) - r.size(1)) {
      const auto m = torch::maximum(o, u + key), old = (o - m).exp(), now = (u + key - m).exp();
      out.push_back((old * p + now * value) / (old * q + now));
    }
    const auto m = torch::maximum(w + o, key), old = (w + o - m).exp(), now = (key - m).exp();
    p = old * p + now * value;
    q = old * q + now;
    o = m;
  }
  sums = {p, q, o};
  return (torch::sigmoid(wide(r)) * torch::stack(out, 1)).to(r.scalar_type());
}

}  // namespace lvm
