#include "mamba2-short.h"

#include "../parallel.h"
#include "at-least-float32.h"
#include "mamba2-kernels.h"

#include <ATen/Dispatch.h>

namespace lvm {
namespace {

using namespace mixer;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// float32 for every instruction set; float64 serves tests only and is compiled once.
using Floats = float*;
using Constants = const float*;
LVM_CLONES void forward_one(const Sizes& s, Constants u, const Weights<const float>& w, Scratch<float>& k, Floats out) {
  forward<float>(s, u, w, k, out);
}
LVM_CLONES void backward_one(const Sizes& s, Constants u, const Weights<const float>& w, Scratch<float>& k, Gradients<float>& d,
                             Constants dout, Floats du, const Weights<float>& dw) {
  backward<float>(s, u, w, k, d, dout, du, dw);
}
void forward_one(const Sizes& s, const double* u, const Weights<const double>& w, Scratch<double>& k, double* out) {
  forward<double>(s, u, w, k, out);
}
void backward_one(const Sizes& s, const double* u, const Weights<const double>& w, Scratch<double>& k, Gradients<double>& d,
                  const double* dout, double* du, const Weights<double>& dw) {
  backward<double>(s, u, w, k, d, dout, du, dw);
}

// Fewest sequences per thread.
int64_t grain(const Sizes& s) { return std::max<int64_t>(1, 4096 / (s.time * s.mixed())); }

struct Short final : torch::autograd::Function<Short> {
  static Tensor forward(AutogradContext* ctx, const Tensor& u, const Tensor& taps, const Tensor& bias, const Tensor& dt_bias,
                        const Tensor& a_log, const Tensor& skip, const Tensor& norm, bool last_only) {
    const auto inputs = wide(u).contiguous(), packed = pack(inputs.scalar_type(), taps, bias, dt_bias, a_log, skip, norm);
    const Sizes s{u.size(1),   last_only ? u.size(1) - 1 : 0, norm.size(0), (taps.size(0) - norm.size(0)) / 2, skip.size(0),
                  taps.size(2)};
    ctx->save_for_backward({u, packed});
    ctx->saved_data["sizes"] = std::vector<int64_t>{s.time, s.first, s.inner, s.state, s.heads, s.taps};
    ctx->saved_data["type"] = taps.scalar_type();
    const auto out = torch::empty({u.size(0), s.rows(), s.inner}, inputs.options());
    AT_DISPATCH_FLOATING_TYPES(inputs.scalar_type(), "mamba2", [&] {
      const Weights<const scalar_t> w(packed.const_data_ptr<scalar_t>(), s);
      parallel(u.size(0), grain(s), [&](int64_t begin, int64_t end) {
        Scratch<scalar_t> scratch(s);
        for (auto i = begin; i < end; ++i) {
          forward_one(s, inputs.const_data_ptr<scalar_t>() + i * s.time * s.row(), w, scratch,
                      out.mutable_data_ptr<scalar_t>() + i * s.rows() * s.inner);
        }
      });
    });
    return out.to(u.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &u = saved[0], &packed = saved[1];
    const auto sizes = ctx->saved_data["sizes"].toIntVector();
    const Sizes s{sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]};
    const auto inputs = wide(u).contiguous(), dout = gradients[0].to(inputs.scalar_type()).contiguous();
    // A fixed number of partial sums, so that the result does not depend on the number of threads.
    const auto batch = u.size(0), parts = std::min<int64_t>(batch, 16);
    const auto du = torch::empty_like(inputs), dw = torch::zeros({parts, packed.size(0)}, packed.options());
    AT_DISPATCH_FLOATING_TYPES(inputs.scalar_type(), "mamba2", [&] {
      const Weights<const scalar_t> w(packed.const_data_ptr<scalar_t>(), s);
      parallel(parts, grain(s), [&](int64_t begin, int64_t end) {
        Scratch<scalar_t> scratch(s);
        Gradients<scalar_t> room(s);
        for (auto part = begin; part < end; ++part) {
          const Weights<scalar_t> sum(dw.mutable_data_ptr<scalar_t>() + part * dw.size(1), s);
          for (auto i = part * batch / parts; i < (part + 1) * batch / parts; ++i) {
            const auto at = i * s.time * s.row();
            backward_one(s, inputs.const_data_ptr<scalar_t>() + at, w, scratch, room,
                         dout.const_data_ptr<scalar_t>() + i * s.rows() * s.inner, du.mutable_data_ptr<scalar_t>() + at, sum);
          }
        }
      });
    });
    auto d = dw.sum(0).split_with_sizes(packing(s));
    d[0] = d[0].view({s.taps, s.mixed()}).t().unsqueeze(1);
    d[3] = d[3] * packed.split_with_sizes(packing(s))[3];  // decay = −exp(A_log) is its own derivative
    const auto type = ctx->saved_data["type"].toScalarType();
    variable_list all{du.to(u.scalar_type())};
    for (const auto& part : d) all.push_back(part.to(type));
    all.push_back({});
    return all;
  }

  static Tensor pack(torch::ScalarType type, const Tensor& taps, const Tensor& bias, const Tensor& dt_bias, const Tensor& a_log,
                     const Tensor& skip, const Tensor& norm) {
    return torch::cat({taps.squeeze(1).t().reshape(-1).to(type), bias.to(type), dt_bias.to(type), -a_log.to(type).exp(),
                       skip.to(type), norm.to(type)});
  }
};

}  // namespace

Tensor mix_short_context(const Tensor& u, const MixerWeights& w, bool last_only) {
  return Short::apply(u, w.taps, w.bias, w.dt_bias, w.a_log, w.skip, w.norm, last_only);
}

}  // namespace lvm
