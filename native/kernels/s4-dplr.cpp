#include "s4-kernels.h"

#include "s4-recurrence.h"

#include <ATen/Dispatch.h>
#include "../parallel.h"

namespace lvm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using namespace dplr;

template <typename F>
struct Gradients {
  F *inv_dt, *c, *b, *a_real, *a_imag, *p;  // per channel; channels that share a copy are summed afterwards
};

template <typename F>
LVM_INLINE void taps_of(const Inputs<F>& in, int64_t first, int64_t last, F* out) {
  Channels<F> k(in);
  Rows<F> states(size_t(in.time * in.n));
  std::vector<F> sigma(size_t((in.time + 1) * lanes)), answers(size_t(in.time * lanes));
  for (auto from = first; from < last; from += lanes) {
    k.load(in, from);
    run(k, in.time, states.data(), sigma.data(), answers.data());
    for (int64_t t = 0; t < in.time; ++t) {
      for (int64_t l = 0; l < std::min(lanes, in.d - from); ++l) out[t * in.d + from + l] = 2 * answers[size_t(t * lanes + l)];
    }
  }
}

// Sums that the backward pass of h needs. With a the gradient of h(s): m0 = Σ a s̄, m1 = Σ σ a, m2 = Σ τ s, where τ = Re Σ q̄ a.
// On return, `gradient` is that of s: X̄ (a − μ τ P) − less · a.
template <typename F>
struct Sums {
  Sums(int64_t n) : m0(n), m1(n), m2(n), c(n) {}
  Rows<F> m0, m1, m2, c;
  F mu[lanes];

  LVM_INLINE void clear() {
    for (auto* rows : {&m0, &m1, &m2, &c}) std::fill(rows->begin(), rows->end(), Row<F>{});
    std::fill(mu, mu + lanes, F(0));
  }
  LVM_INLINE void back(const Channels<F>& k, const Row<F>* s, const F* sigma, F scale, Row<F>* gradient) {
    F tau[lanes] = {};
    for (int64_t i = 0; i < k.n; ++i) {
      LVM_INDEPENDENT
      for (int64_t l = 0; l < lanes; ++l) tau[l] += scale * (k.q[i].re[l] * gradient[i].re[l] + k.q[i].im[l] * gradient[i].im[l]);
    }
    for (int64_t l = 0; l < lanes; ++l) mu[l] -= tau[l] * sigma[l];
    for (int64_t i = 0; i < k.n; ++i) {
      LVM_INDEPENDENT
      for (int64_t l = 0; l < lanes; ++l) {
        const F ar = scale * gradient[i].re[l], ai = scale * gradient[i].im[l], re = s[i].re[l], im = s[i].im[l];
        m0[i].re[l] += ar * re + ai * im, m0[i].im[l] += ai * re - ar * im;
        m1[i].re[l] += sigma[l] * ar, m1[i].im[l] += sigma[l] * ai;
        m2[i].re[l] += tau[l] * re, m2[i].im[l] += tau[l] * im;
        const F wr = ar - k.mu[l] * tau[l] * k.p[i].re[l], wi = ai - k.mu[l] * tau[l] * k.p[i].im[l];
        const F xr = k.x[i].re[l], xi = k.x[i].im[l];
        const F less = scale - 1;  // 2 h(s) − s, or h(s)
        gradient[i].re[l] = xr * wr + xi * wi - less * gradient[i].re[l];
        gradient[i].im[l] = xr * wi - xi * wr - less * gradient[i].im[l];
      }
    }
  }
};

template <typename F>
LVM_INLINE void gradients_of(const Inputs<F>& in, const F* g, int64_t first, int64_t last, const Gradients<F>& out) {
  const auto n = in.n;
  Channels<F> k(in);
  Sums<F> m(n);
  Rows<F> states(size_t(in.time * n)), gradient(size_t(n), Row<F>{}), start(size_t(n), Row<F>{});
  std::vector<F> sigma(size_t((in.time + 1) * lanes)), answers(size_t(in.time * lanes));
  for (auto from = first; from < last; from += lanes) {
    k.load(in, from);
    run(k, in.time, states.data(), sigma.data(), answers.data());
    m.clear();
    std::fill(gradient.begin(), gradient.end(), Row<F>{});
    for (auto t = in.time - 1; t >= 0; --t) {
      F weight[lanes];
      for (int64_t l = 0; l < lanes; ++l) weight[l] = 2 * g[t * in.d + std::min(from + l, in.d - 1)];
      const auto* s = states.data() + t * n;
      for (int64_t i = 0; i < n; ++i) {
        LVM_INDEPENDENT
        for (int64_t l = 0; l < lanes; ++l) {
          m.c[i].re[l] += weight[l] * s[i].re[l], m.c[i].im[l] -= weight[l] * s[i].im[l];
          gradient[i].re[l] += weight[l] * k.c[i].re[l], gradient[i].im[l] -= weight[l] * k.c[i].im[l];
        }
      }
      if (t > 0) m.back(k, s - n, sigma.data() + t * lanes, F(2), gradient.data());
    }
    // s_1 = h(δ B) = δ h(B), because h is linear: the gradient is computed at B and multiplied by δ.
    F dt[lanes] = {}, to_norm[lanes];
    for (int64_t i = 0; i < n; ++i) {
      LVM_INDEPENDENT
      for (int64_t l = 0; l < lanes; ++l) gradient[i].re[l] *= k.dt[l], gradient[i].im[l] *= k.dt[l];
    }
    m.back(k, k.b.data(), sigma.data(), F(1), gradient.data());
    for (int64_t l = 0; l < lanes; ++l) {
      to_norm[l] = -m.mu[l] * k.dt[l] / (k.norm[l] * k.norm[l]);
      dt[l] = m.mu[l] / k.norm[l];
    }
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t l = 0; l < std::min(lanes, in.d - from); ++l) {
        using C = c10::complex<F>;
        const auto at = [&](const Row<F>& row) { return C(row.re[l], row.im[l]); };
        const auto x = at(k.x[i]), p = at(k.p[i]), a = at(k.a[i]), b = at(k.b[i]), gb = at(gradient[i]);
        const F mu = k.mu[l], size = std::norm(p);
        auto gx = at(m.m0[i]) - mu * std::conj(p) * at(m.m1[i]) - mu * p * std::conj(at(m.m2[i]));
        auto gp = -mu * (std::conj(x) * at(m.m1[i]) + x * at(m.m2[i]));
        gx += to_norm[l] * k.dt[l] * size;
        gp += to_norm[l] * k.dt[l] * x.real() * 2 * p;
        const auto square = x * x, ga = std::conj(square) * gx * (k.dt[l] / 2);
        dt[l] += to_norm[l] * size * x.real() + (std::conj(gx) * square * a).real() / 2 + (std::conj(gb) * b).real() / k.dt[l];
        const auto to = (from + l) * n + i;
        out.a_real[to] = ga.real() * a.real(), out.a_imag[to] = -ga.imag();
        out.p[2 * to] = gp.real(), out.p[2 * to + 1] = gp.imag();
        out.b[2 * to] = gb.real(), out.b[2 * to + 1] = gb.imag();
        out.c[2 * to] = m.c[i].re[l], out.c[2 * to + 1] = m.c[i].im[l];
      }
    }
    for (int64_t l = 0; l < std::min(lanes, in.d - from); ++l) out.inv_dt[from + l] = dt[l] * k.dt[l];
  }
}

LVM_CLONES void taps_at(const Inputs<float>& in, int64_t first, int64_t last, float* out) { taps_of(in, first, last, out); }
void taps_at(const Inputs<double>& in, int64_t first, int64_t last, double* out) { taps_of(in, first, last, out); }
LVM_CLONES void gradients_at(const Inputs<float>& in, const float* g, int64_t first, int64_t last, const Gradients<float>& out) {
  gradients_of(in, g, first, last, out);
}
void gradients_at(const Inputs<double>& in, const double* g, int64_t first, int64_t last, const Gradients<double>& out) {
  gradients_of(in, g, first, last, out);
}

template <typename F>
Inputs<F> inputs_of(const variable_list& t, int64_t time) {
  return {t[0].size(0),
          t[3].size(1),
          t[3].size(0),
          time,
          t[0].const_data_ptr<F>(),
          t[1].const_data_ptr<F>(),
          t[2].const_data_ptr<F>(),
          t[3].const_data_ptr<F>(),
          t[4].const_data_ptr<F>(),
          t[5].const_data_ptr<F>()};
}

template <typename Work>
void over_channels(int64_t d, Work work) {
  parallel((d + lanes - 1) / lanes, 4, [&](int64_t begin, int64_t end) { work(begin * lanes, std::min(end * lanes, d)); });
}

struct Taps final : torch::autograd::Function<Taps> {
  static Tensor forward(AutogradContext* ctx, const Tensor& inv_dt, const Tensor& c, const Tensor& b, const Tensor& a_real,
                        const Tensor& a_imag, const Tensor& p, int64_t time) {
    variable_list all{inv_dt, c, b, a_real, a_imag, p};
    for (auto& t : all) t = t.contiguous();
    ctx->save_for_backward(all);
    const auto out = torch::empty({time, inv_dt.size(0)}, inv_dt.options());
    AT_DISPATCH_FLOATING_TYPES(inv_dt.scalar_type(), "s4", [&] {
      const auto in = inputs_of<scalar_t>(all, time);
      auto* to = out.template mutable_data_ptr<scalar_t>();
      over_channels(in.d, [&](int64_t first, int64_t last) { taps_at(in, first, last, to); });
    });
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list from) {
    const auto all = ctx->get_saved_variables();
    const auto g = from[0].contiguous();
    const auto copies = all[3].size(0), n = all[3].size(1), d = g.size(1);
    const auto two = [&] { return torch::empty({d / copies, copies, n, 2}, g.options()); };
    const auto inv_dt = torch::empty_like(all[0]), c = torch::empty_like(all[1]), b = two(), p = two();
    const auto a_real = torch::empty({d / copies, copies, n}, g.options()), a_imag = torch::empty_like(a_real);
    AT_DISPATCH_FLOATING_TYPES(g.scalar_type(), "s4", [&] {
      const auto in = inputs_of<scalar_t>(all, g.size(0));
      const auto* by = g.template const_data_ptr<scalar_t>();
      const auto to = [](const Tensor& t) { return t.template mutable_data_ptr<scalar_t>(); };
      const Gradients<scalar_t> out{to(inv_dt), to(c), to(b), to(a_real), to(a_imag), to(p)};
      over_channels(d, [&](int64_t first, int64_t last) { gradients_at(in, by, first, last, out); });
    });
    return {inv_dt, c, b.sum(0).view_as(all[2]), a_real.sum(0), a_imag.sum(0), p.sum(0).view_as(all[5]), Tensor()};
  }
};

}  // namespace

Tensor dplr_taps(const Tensor& inv_dt, const Tensor& c, const Tensor& b, const Tensor& a_real, const Tensor& a_imag,
                 const Tensor& p, int64_t time) {
  return Taps::apply(inv_dt, c, b, a_real, a_imag, p, time);
}

}  // namespace lvm
