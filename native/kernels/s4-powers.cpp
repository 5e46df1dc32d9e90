#include "s4-kernels.h"

#include "../simd.h"

#include "../parallel.h"

namespace lvm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Channels per vector.
constexpr int64_t lanes = 16;

struct Row {
  double re[lanes], im[lanes];
};

// Loads [d, n] complex numbers of `lanes` channels from `first` on; channels beyond d repeat the last.
void load(const double* from, int64_t d, int64_t n, int64_t first, std::vector<Row>& rows) {
  for (int64_t l = 0; l < lanes; ++l) {
    const auto* at = from + std::min(first + l, d - 1) * 2 * n;
    for (int64_t i = 0; i < n; ++i) rows[size_t(i)].re[l] = at[2 * i], rows[size_t(i)].im[l] = at[2 * i + 1];
  }
}
void store(const std::vector<Row>& rows, int64_t d, int64_t n, int64_t first, double* to) {
  for (int64_t l = 0; l < std::min(lanes, d - first); ++l) {
    auto* at = to + (first + l) * 2 * n;
    for (int64_t i = 0; i < n; ++i) at[2 * i] = rows[size_t(i)].re[l], at[2 * i + 1] = rows[size_t(i)].im[l];
  }
}

LVM_INLINE void times(Row& power, const Row& z) {
  LVM_INDEPENDENT
  for (int64_t l = 0; l < lanes; ++l) {
    const double re = power.re[l] * z.re[l] - power.im[l] * z.im[l];
    power.im[l] = power.re[l] * z.im[l] + power.im[l] * z.re[l], power.re[l] = re;
  }
}

// sum[t] += 2 Re w z^t
LVM_CLONES void add_powers(const Row& w, const Row& z, int64_t time, double* sum) {
  auto power = w;
  for (int64_t t = 0; t < time; ++t, sum += lanes) {
    for (int64_t l = 0; l < lanes; ++l) sum[l] += 2 * power.re[l];
    times(power, z);
  }
}

// dw = Σ 2 g_t conj(z^t);   dζ = conj(w) Σ 2 t g_t conj(z^t)
LVM_CLONES void add_gradients(const Row& w, const Row& z, int64_t time, const double* g, Row& dw, Row& dzeta) {
  Row power, plain = {}, weighted = {};
  for (int64_t l = 0; l < lanes; ++l) power.re[l] = 1, power.im[l] = 0;
  for (int64_t t = 0; t < time; ++t, g += lanes) {
    LVM_INDEPENDENT
    for (int64_t l = 0; l < lanes; ++l) {
      const double re = 2 * g[l] * power.re[l], im = -2 * g[l] * power.im[l];
      plain.re[l] += re, plain.im[l] += im;
      weighted.re[l] += double(t) * re, weighted.im[l] += double(t) * im;
    }
    times(power, z);
  }
  dw = plain;
  for (int64_t l = 0; l < lanes; ++l) {
    dzeta.re[l] = w.re[l] * weighted.re[l] + w.im[l] * weighted.im[l];
    dzeta.im[l] = w.re[l] * weighted.im[l] - w.im[l] * weighted.re[l];
  }
}

template <typename Work>
void over_channels(int64_t d, Work work) {
  parallel((d + lanes - 1) / lanes, 4, [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) work(i * lanes);
  });
}

const double* numbers(const Tensor& t) { return reinterpret_cast<const double*>(t.const_data_ptr<c10::complex<double>>()); }
double* numbers_of(const Tensor& t) { return reinterpret_cast<double*>(t.mutable_data_ptr<c10::complex<double>>()); }

struct PowerSums final : torch::autograd::Function<PowerSums> {
  static Tensor forward(AutogradContext* ctx, const Tensor& weights, const Tensor& zeta, int64_t time) {
    const auto w = weights.contiguous(), z = zeta.exp().contiguous();
    ctx->save_for_backward({w, z});
    const auto d = w.size(0), n = w.size(1);
    const auto out = torch::empty({time, d}, torch::kFloat64);
    auto* to = out.mutable_data_ptr<double>();
    over_channels(d, [&](int64_t first) {
      std::vector<Row> rows(n), bases(n);
      std::vector<double> sum(size_t(time * lanes), 0);
      load(numbers(w), d, n, first, rows), load(numbers(z), d, n, first, bases);
      for (size_t i = 0; i < rows.size(); ++i) add_powers(rows[i], bases[i], time, sum.data());
      for (int64_t t = 0; t < time; ++t) std::copy_n(sum.begin() + t * lanes, std::min(lanes, d - first), to + t * d + first);
    });
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list from) {
    const auto saved = ctx->get_saved_variables();
    const auto &w = saved[0], &z = saved[1];
    const auto g = from[0].contiguous();
    const auto time = g.size(0), d = w.size(0), n = w.size(1);
    const auto dw = torch::empty_like(w), dzeta = torch::empty_like(z);
    const auto* by = g.const_data_ptr<double>();
    over_channels(d, [&](int64_t first) {
      std::vector<Row> rows(n), bases(n), to_rows(n), to_bases(n);
      std::vector<double> gradient(size_t(time * lanes), 0);
      load(numbers(w), d, n, first, rows), load(numbers(z), d, n, first, bases);
      for (int64_t t = 0; t < time; ++t)
        std::copy_n(by + t * d + first, std::min(lanes, d - first), gradient.begin() + t * lanes);
      for (size_t i = 0; i < rows.size(); ++i) add_gradients(rows[i], bases[i], time, gradient.data(), to_rows[i], to_bases[i]);
      store(to_rows, d, n, first, numbers_of(dw)), store(to_bases, d, n, first, numbers_of(dzeta));
    });
    return {dw, dzeta, Tensor()};
  }
};

}  // namespace

Tensor power_sums(const Tensor& w, const Tensor& zeta, int64_t time) { return PowerSums::apply(w, zeta, time); }

}  // namespace lvm
