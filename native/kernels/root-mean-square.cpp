// Forward and backward take one pass each over the rows of the last dimension.
//
//   y = r x w,  r = 1 / √(mean(x²) + eps)        dx = r (w dy − x r² mean(x w dy))        dw = Σ r x dy

#include "root-mean-square.h"

#include "../parallel.h"
#include "at-least-float32.h"
#include "vector-math.h"

#include <ATen/Dispatch.h>

namespace lvm {
namespace {

template <typename F>
LVM_INLINE void norm_row(int64_t n, const F* x, const F* w, F eps, F* y) {
  const F r = 1 / std::sqrt(dot(x, x, n) / F(n) + eps);
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = r * x[i] * w[i];
}
template <typename F>
LVM_INLINE void norm_row_backward(int64_t n, const F* x, const F* w, F eps, const F* dy, F* dx, F* dw) {
  const F r = 1 / std::sqrt(dot(x, x, n) / F(n) + eps);
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    dw[i] += r * x[i] * dy[i];
    dx[i] = w[i] * dy[i];
  }
  const F along = r * r * dot(x, dx, n) / F(n);
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) dx[i] = r * (dx[i] - along * x[i]);
}

using Floats = float*;
using Constants = const float*;
LVM_CLONES void norm(int64_t n, Constants x, Constants w, float eps, Floats y) { norm_row(n, x, w, eps, y); }
LVM_CLONES void norm_backward(int64_t n, Constants x, Constants w, float eps, Constants dy, Floats dx, Floats dw) {
  norm_row_backward(n, x, w, eps, dy, dx, dw);
}
void norm(int64_t n, const double* x, const double* w, double eps, double* y) { norm_row(n, x, w, eps, y); }
void norm_backward(int64_t n, const double* x, const double* w, double eps, const double* dy, double* dx, double* dw) {
  norm_row_backward(n, x, w, eps, dy, dx, dw);
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct RmsNorm final : torch::autograd::Function<RmsNorm> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, double eps) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["eps"] = eps;
    const auto in = wide(x).contiguous(), w = weight.to(in.scalar_type()), y = torch::empty_like(in);
    const auto n = w.size(0);
    AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "rms_norm", [&] {
      parallel(in.numel() / n, std::max<int64_t>(1, 8192 / n), [&](int64_t begin, int64_t end) {
        for (auto row = begin; row < end; ++row) {
          norm(n, in.const_data_ptr<scalar_t>() + row * n, w.const_data_ptr<scalar_t>(), scalar_t(eps),
               y.mutable_data_ptr<scalar_t>() + row * n);
        }
      });
    });
    return y.to(weight.scalar_type());
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto in = wide(x).contiguous(), w = weight.to(in.scalar_type());
    const auto dy = gradients[0].to(in.scalar_type()).contiguous(), dx = torch::empty_like(in);
    const auto n = w.size(0), rows = in.numel() / n;
    const auto eps = ctx->saved_data["eps"].toDouble();
    // A fixed number of partial sums, so that the result does not depend on the number of threads.
    const auto parts = std::min<int64_t>(rows, 16);
    const auto dw = torch::zeros({parts, n}, in.options());
    AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "rms_norm", [&] {
      parallel(parts, std::max<int64_t>(1, 8192 * parts / (rows * n + 1)), [&](int64_t begin, int64_t end) {
        for (auto part = begin; part < end; ++part) {
          for (auto row = part * rows / parts; row < (part + 1) * rows / parts; ++row) {
            norm_backward(n, in.const_data_ptr<scalar_t>() + row * n, w.const_data_ptr<scalar_t>(), scalar_t(eps),
                          dy.const_data_ptr<scalar_t>() + row * n, dx.mutable_data_ptr<scalar_t>() + row * n,
                          dw.mutable_data_ptr<scalar_t>() + part * n);
          }
        }
      });
    });
    return {dx.to(x.scalar_type()), dw.sum(0).to(weight.scalar_type()), Tensor()};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  if (x.is_cpu() && weight.defined()) return RmsNorm::apply(x, weight, eps);
  const auto in = wide(x);  // squares of bfloat16 lose digits
  const auto y = in * torch::rsqrt(in.square().mean(-1, true) + eps);
  return weight.defined() ? (y * weight).to(weight.scalar_type()) : y;
}

}  // namespace lvm
