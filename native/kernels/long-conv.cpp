#include "long-conv.h"

#include "../simd.h"

#include <ATen/Dispatch.h>
#include "../parallel.h"

namespace lvm {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Longest context for which shifted copies are faster than the FFT.
constexpr int64_t short_context = 256;
// Channels per block, and elements of spectra held at once.
constexpr int64_t block = 64, held = 1 << 22;

struct Sizes {
  int64_t batch, time, outputs, taps, d;
};

// `width` channels from c on. Computes y_t for the last `outputs` positions t.
template <typename F>
LVM_INLINE void sums(const Sizes& z, int64_t c, int64_t width, const F* u, const F* k, F* y) {
  for (int64_t b = 0; b < z.batch; ++b) {
    for (int64_t i = 0; i < z.outputs; ++i) {
      const auto t = z.time - z.outputs + i;
      F sum[block] = {};
      for (int64_t j = 0; j < std::min(z.taps, t + 1); ++j) {
        const F *a = k + j * z.d + c, *x = u + (b * z.time + t - j) * z.d + c;
        for (int64_t l = 0; l < width; ++l) sum[l] += a[l] * x[l];
      }
      std::copy(sum, sum + width, y + (b * z.outputs + i) * z.d + c);
    }
  }
}

// du_s = Σ_{t ≥ s} k_{t−s} dy_t;   dk_j += Σ_t dy_t u_{t−j}
template <typename F>
LVM_INLINE void gradients(const Sizes& z, int64_t c, int64_t width, const F* u, const F* k, const F* dy, F* du, F* dk) {
  const auto first = z.time - z.outputs;
  for (int64_t b = 0; b < z.batch; ++b) {
    const F* g = dy + b * z.outputs * z.d + c - first * z.d;  // offset as if dy had all positions
    for (int64_t s = 0; s < z.time; ++s) {
      F sum[block] = {};
      for (int64_t t = std::max(s, first); t < std::min(z.time, s + z.taps); ++t) {
        const F *a = k + (t - s) * z.d + c, *x = g + t * z.d;
        for (int64_t l = 0; l < width; ++l) sum[l] += a[l] * x[l];
      }
      std::copy(sum, sum + width, du + (b * z.time + s) * z.d + c);
    }
    for (int64_t j = 0; j < z.taps; ++j) {
      F sum[block] = {};
      for (int64_t t = std::max(j, first); t < z.time; ++t) {
        const F *a = g + t * z.d, *x = u + (b * z.time + t - j) * z.d + c;
        for (int64_t l = 0; l < width; ++l) sum[l] += a[l] * x[l];
      }
      for (int64_t l = 0; l < width; ++l) dk[j * z.d + c + l] += sum[l];
    }
  }
}

template <typename F>
LVM_INLINE void sums_of(const Sizes& z, int64_t c, const F* u, const F* k, F* y) {
  z.d - c >= block ? sums(z, c, block, u, k, y) : sums(z, c, z.d - c, u, k, y);
}
template <typename F>
LVM_INLINE void gradients_of(const Sizes& z, int64_t c, const F* u, const F* k, const F* dy, F* du, F* dk) {
  z.d - c >= block ? gradients(z, c, block, u, k, dy, du, dk) : gradients(z, c, z.d - c, u, k, dy, du, dk);
}
LVM_CLONES void sums_at(const Sizes& z, int64_t c, const float* u, const float* k, float* y) { sums_of(z, c, u, k, y); }
LVM_CLONES void gradients_at(const Sizes& z, int64_t c, const float* u, const float* k, const float* dy, float* du, float* dk) {
  gradients_of(z, c, u, k, dy, du, dk);
}
void sums_at(const Sizes& z, int64_t c, const double* u, const double* k, double* y) { sums_of(z, c, u, k, y); }
void gradients_at(const Sizes& z, int64_t c, const double* u, const double* k, const double* dy, double* du, double* dk) {
  gradients_of(z, c, u, k, dy, du, dk);
}

// One thread per block of channels, so that the order of sums over the batch is fixed.
template <typename Work>
void over_blocks(const Sizes& z, Work work) {
  const auto cost = z.batch * z.outputs * std::min(z.taps, z.time) * block;
  parallel((z.d + block - 1) / block, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, cost)), [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) work(i * block);
  });
}

struct Shifts final : torch::autograd::Function<Shifts> {
  static Tensor forward(AutogradContext* ctx, const Tensor& input, const Tensor& taps, int64_t outputs) {
    const auto u = input.contiguous(), k = taps.contiguous();
    ctx->save_for_backward({u, k});
    const Sizes z{u.size(0), u.size(1), outputs, k.size(0), u.size(2)};
    const auto y = torch::empty({z.batch, outputs, z.d}, u.options());
    AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "long_conv", [&] {
      const auto *pu = u.const_data_ptr<scalar_t>(), *pk = k.const_data_ptr<scalar_t>();
      auto* py = y.template mutable_data_ptr<scalar_t>();
      over_blocks(z, [&](int64_t c) { sums_at(z, c, pu, pk, py); });
    });
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list from) {
    const auto saved = ctx->get_saved_variables();
    const auto &u = saved[0], &k = saved[1];
    const auto dy = from[0].contiguous();
    const Sizes z{u.size(0), u.size(1), dy.size(1), k.size(0), u.size(2)};
    const auto du = torch::empty_like(u), dk = torch::zeros_like(k);
    AT_DISPATCH_FLOATING_TYPES(u.scalar_type(), "long_conv", [&] {
      const auto *pu = u.const_data_ptr<scalar_t>(), *pk = k.const_data_ptr<scalar_t>(), *pg = dy.const_data_ptr<scalar_t>();
      auto *pdu = du.template mutable_data_ptr<scalar_t>(), *pdk = dk.template mutable_data_ptr<scalar_t>();
      over_blocks(z, [&](int64_t c) { gradients_at(z, c, pu, pk, pg, pdu, pdk); });
    });
    return {du, dk, Tensor()};
  }
};

// Returns the first length ≥ n without a prime factor above 5.
int64_t smooth(int64_t n) {
  for (;; ++n) {
    auto rest = n;
    for (const int64_t factor : {2, 3, 5}) {
      while (rest % factor == 0) rest /= factor;
    }
    if (rest == 1) return n;
  }
}

// By FFT, a block of channels at a time. Only inputs are kept; the backward pass computes their spectra again.
struct Spectra final : torch::autograd::Function<Spectra> {
  static Tensor forward(AutogradContext* ctx, const Tensor& u, const Tensor& k) {
    ctx->save_for_backward({u, k});
    const auto y = torch::empty_like(u);
    over_channels(u, k, [&](int64_t c, int64_t count, int64_t n) {
      const auto product = spectrum(u.narrow(2, c, count), n) * spectrum(k.narrow(1, c, count), n);
      y.narrow(2, c, count).copy_(signal(product, n).narrow(1, 0, u.size(1)));
    });
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list from) {
    const auto saved = ctx->get_saved_variables();
    const auto &u = saved[0], &k = saved[1];
    const auto du = torch::empty_like(u), dk = torch::empty_like(k);
    over_channels(u, k, [&](int64_t c, int64_t count, int64_t n) {
      const auto dy = spectrum(from[0].narrow(2, c, count), n);
      du.narrow(2, c, count).copy_(signal(dy * spectrum(k.narrow(1, c, count), n).conj(), n).narrow(1, 0, u.size(1)));
      const auto taps = signal((dy * spectrum(u.narrow(2, c, count), n).conj()).sum(0), n);
      dk.narrow(1, c, count).copy_(taps.narrow(0, 0, k.size(0)));
    });
    return {du, dk};
  }

  // FFT over time, the dimension before the channels; inside, time is the last one.
  static Tensor spectrum(const Tensor& x, int64_t n) { return at::fft_rfft(x.transpose(-1, -2), n); }
  static Tensor signal(const Tensor& s, int64_t n) { return at::fft_irfft(s, n).transpose(-1, -2); }

  template <typename Work>
  static void over_channels(const Tensor& u, const Tensor& k, Work work) {
    const auto n = smooth(u.size(1) + k.size(0) - 1), d = u.size(2);
    const auto count = std::clamp<int64_t>(held / std::max<int64_t>(1, u.size(0) * n), 1, d);
    for (int64_t c = 0; c < d; c += count) work(c, std::min(count, d - c), n);
  }
};

}  // namespace

Tensor long_conv(const Tensor& u, const Tensor& k, bool last_only) {
  const auto time = u.size(1);
  if (u.is_cpu() && (last_only || time <= short_context)) return Shifts::apply(u, k, last_only ? 1 : time);
  if (!last_only) return Spectra::apply(u, k);
  const auto taps = k.size(0);
  return (u.narrow(1, time - taps, taps) * k.flip(0)).sum(1, true);
}

}  // namespace lvm
