#include "causal-conv.h"

#include "../parallel.h"
#include "../simd.h"
#include "at-least-float32.h"

#include <ATen/Dispatch.h>

namespace lvm {
namespace {

// `count` channels of one sequence. Positions of x and dx are `stride` elements apart, those of y and dy `width`.
struct Run {
  int64_t time, count, taps, width, stride;
};

// taps [K, width]; the last one weights the current position.
template <typename F>
LVM_INLINE void forward(Run r, const F* x, const F* taps, const F* bias, F* y) {
  for (int64_t t = 0; t < r.time; ++t) {
    F* out = y + t * r.width;
    for (int64_t c = 0; c < r.count; ++c) out[c] = bias[c];
    for (int64_t j = 0; j < std::min(t + 1, r.taps); ++j) {
      const F *in = x + (t - j) * r.stride, *tap = taps + (r.taps - 1 - j) * r.width;
      LVM_INDEPENDENT
      for (int64_t c = 0; c < r.count; ++c) out[c] += tap[c] * in[c];
    }
  }
}

// Adds to dtaps and dbias.
template <typename F>
LVM_INLINE void backward(Run r, const F* x, const F* taps, const F* dy, F* dx, F* dtaps, F* dbias) {
  for (int64_t t = 0; t < r.time; ++t) {
    const F* in = x + t * r.stride;
    F* out = dx + t * r.width;
    for (int64_t c = 0; c < r.count; ++c) out[c] = 0, dbias[c] += dy[t * r.width + c];
    for (int64_t j = 0; j < std::min(r.time - t, r.taps); ++j) {
      const F *d = dy + (t + j) * r.width, *tap = taps + (r.taps - 1 - j) * r.width;
      F* dtap = dtaps + (r.taps - 1 - j) * r.width;
      LVM_INDEPENDENT
      for (int64_t c = 0; c < r.count; ++c) out[c] += tap[c] * d[c], dtap[c] += d[c] * in[c];
    }
  }
}

using Floats = float*;
using Constants = const float*;
LVM_CLONES void forward_run(Run r, Constants x, Constants taps, Constants bias, Floats y) { forward(r, x, taps, bias, y); }
LVM_CLONES void backward_run(Run r, Constants x, Constants taps, Constants dy, Floats dx, Floats dtaps, Floats dbias) {
  backward(r, x, taps, dy, dx, dtaps, dbias);
}
void forward_run(Run r, const double* x, const double* taps, const double* bias, double* y) { forward(r, x, taps, bias, y); }
void backward_run(Run r, const double* x, const double* taps, const double* dy, double* dx, double* dtaps, double* dbias) {
  backward(r, x, taps, dy, dx, dtaps, dbias);
}

constexpr int64_t block = 128;  // channels per task

// Splits by blocks of channels, each over all sequences, so that gradients of taps need no sum over threads.
template <typename Work>
void over_channels(int64_t channels, int64_t positions, Work work) {
  const auto blocks = (channels + block - 1) / block, grain = std::max<int64_t>(1, 16384 / (positions * block + 1));
  parallel(blocks, grain, [&](int64_t begin, int64_t end) {
    for (auto i = begin; i < end; ++i) work(i * block, std::min(block, channels - i * block));
  });
}

// Returns x with stride 1 over channels and one stride over all positions.
Tensor rows(const Tensor& x) {
  const auto y = wide(x);
  return y.stride(2) == 1 && y.stride(0) == y.size(1) * y.stride(1) ? y : y.contiguous();
}
Tensor as_taps(const Tensor& weight, torch::ScalarType type) { return weight.squeeze(1).t().to(type).contiguous(); }

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Convolve final : torch::autograd::Function<Convolve> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["bias_type"] = bias.scalar_type();
    const auto in = rows(x), taps = as_taps(weight, in.scalar_type()), b = bias.to(in.scalar_type());
    const auto y = torch::empty(x.sizes(), in.options().memory_format(torch::MemoryFormat::Contiguous));
    const auto batch = x.size(0), time = x.size(1), width = x.size(2);
    AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "causal_conv", [&] {
      over_channels(width, batch * time, [&](int64_t at, int64_t count) {
        const Run run{time, count, taps.size(0), width, in.stride(1)};
        for (int64_t i = 0; i < batch; ++i) {
          forward_run(run, in.const_data_ptr<scalar_t>() + i * time * run.stride + at, taps.const_data_ptr<scalar_t>() + at,
                      b.const_data_ptr<scalar_t>() + at, y.mutable_data_ptr<scalar_t>() + i * time * width + at);
        }
      });
    });
    return y.to(x.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto in = rows(x), taps = as_taps(weight, in.scalar_type()), dy = gradients[0].to(in.scalar_type()).contiguous();
    const auto dx = torch::empty_like(dy), dtaps = torch::zeros_like(taps), dbias = torch::zeros({x.size(2)}, taps.options());
    const auto batch = x.size(0), time = x.size(1), width = x.size(2);
    AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "causal_conv", [&] {
      over_channels(width, batch * time, [&](int64_t at, int64_t count) {
        const Run run{time, count, taps.size(0), width, in.stride(1)};
        for (int64_t i = 0; i < batch; ++i) {
          const auto from = i * time * width + at;
          backward_run(run, in.const_data_ptr<scalar_t>() + i * time * run.stride + at, taps.const_data_ptr<scalar_t>() + at,
                       dy.const_data_ptr<scalar_t>() + from, dx.mutable_data_ptr<scalar_t>() + from,
                       dtaps.mutable_data_ptr<scalar_t>() + at, dbias.mutable_data_ptr<scalar_t>() + at);
        }
      });
    });
    return {dx.to(x.scalar_type()), dtaps.t().unsqueeze(1).to(weight.scalar_type()),
            dbias.to(ctx->saved_data["bias_type"].toScalarType())};
  }
};

}  // namespace

Tensor causal_conv(const Tensor& x, const Tensor& past, const Tensor& weight, const Tensor& bias) {
  if (x.is_cpu() && !past.defined()) return Convolve::apply(x, weight, bias);
  const auto taps = weight.size(2), time = x.size(1);
  const auto before = past.defined() ? past : x.new_zeros({x.size(0), taps - 1, x.size(2)});
  const auto padded = torch::cat({before, x}, 1);
  auto y = bias.to(x.scalar_type()).expand_as(x);
  for (int64_t j = 0; j < taps; ++j)
    y = torch::addcmul(y, padded.narrow(1, j, time), weight.select(2, j).select(1, 0).to(x.scalar_type()));
  return y;
}

CausalConv::CausalConv(Builder& b, const std::string& prefix, int64_t channels, int64_t kernel) : slot(b.slot()) {
  const auto init = uniform(1 / std::sqrt(double(kernel)));
  weight = b.parameter(prefix + "weight", {channels, 1, kernel}, init);
  bias = b.parameter(prefix + "bias", {channels}, init);
}

Tensor CausalConv::past(const Tensor& x, Pass& pass) const {
  if (!pass.state) return {};
  const auto before = weight.size(2) - 1;
  auto& kept = pass.state->slots.at(slot);
  const auto past = kept.empty() ? x.new_zeros({x.size(0), before, x.size(2)}) : kept[0];
  kept = {torch::cat({past, x}, 1).narrow(1, x.size(1), before).contiguous()};
  return past;
}

Tensor CausalConv::operator()(const Tensor& x, Pass& pass) const { return causal_conv(x, past(x, pass), weight, bias); }

}  // namespace lvm
