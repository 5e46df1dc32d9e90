#include "sigmoid-gate.h"

#include "../parallel.h"
#include "vector-math.h"

#include <ATen/Dispatch.h>

namespace lvm {
namespace {

template <typename F>
LVM_INLINE void gate(int64_t n, const F* g, const F* x, F* y) {
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = sigmoid(g[i]) * x[i];
}
template <typename F>
LVM_INLINE void gate_backward(int64_t n, const F* g, const F* x, const F* dy, F* dg, F* dx) {
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const F s = sigmoid(g[i]);
    dg[i] = dy[i] * x[i] * s * (1 - s);
    dx[i] = dy[i] * s;
  }
}
template <typename F>
LVM_INLINE void square(int64_t n, const F* x, F* y) {
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] * x[i] : 0;
}
template <typename F>
LVM_INLINE void square_backward(int64_t n, const F* y, const F* dy, F* dx) {
  LVM_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) dx[i] = 2 * std::sqrt(y[i]) * dy[i];
}

using Floats = float*;
using Constants = const float*;
LVM_CLONES void gate_all(int64_t n, Constants g, Constants x, Floats y) { gate(n, g, x, y); }
LVM_CLONES void gate_all_backward(int64_t n, Constants g, Constants x, Constants dy, Floats dg, Floats dx) {
  gate_backward(n, g, x, dy, dg, dx);
}
LVM_CLONES void square_all(int64_t n, Constants x, Floats y) { square(n, x, y); }
LVM_CLONES void square_all_backward(int64_t n, Constants y, Constants dy, Floats dx) { square_backward(n, y, dy, dx); }
void gate_all(int64_t n, const double* g, const double* x, double* y) { gate(n, g, x, y); }
void gate_all_backward(int64_t n, const double* g, const double* x, const double* dy, double* dg, double* dx) {
  gate_backward(n, g, x, dy, dg, dx);
}
void square_all(int64_t n, const double* x, double* y) { square(n, x, y); }
void square_all_backward(int64_t n, const double* y, const double* dy, double* dx) { square_backward(n, y, dy, dx); }

constexpr int64_t grain = 8192;

bool ours(const Tensor& x) { return x.is_cpu() && (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kFloat64); }

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Gated final : torch::autograd::Function<Gated> {
  static Tensor forward(AutogradContext* ctx, const Tensor& gate, const Tensor& x) {
    const auto g = gate.contiguous(), v = x.contiguous(), y = torch::empty_like(v);
    ctx->save_for_backward({g, v});
    AT_DISPATCH_FLOATING_TYPES(v.scalar_type(), "gated", [&] {
      parallel(v.numel(), grain, [&](int64_t begin, int64_t end) {
        gate_all(end - begin, g.const_data_ptr<scalar_t>() + begin, v.const_data_ptr<scalar_t>() + begin,
                 y.mutable_data_ptr<scalar_t>() + begin);
      });
    });
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &g = saved[0], &v = saved[1];
    const auto dy = gradients[0].contiguous(), dg = torch::empty_like(g), dv = torch::empty_like(v);
    AT_DISPATCH_FLOATING_TYPES(v.scalar_type(), "gated", [&] {
      parallel(v.numel(), grain, [&](int64_t begin, int64_t end) {
        gate_all_backward(end - begin, g.const_data_ptr<scalar_t>() + begin, v.const_data_ptr<scalar_t>() + begin,
                          dy.const_data_ptr<scalar_t>() + begin, dg.mutable_data_ptr<scalar_t>() + begin,
                          dv.mutable_data_ptr<scalar_t>() + begin);
      });
    });
    return {dg, dv};
  }
};

struct SquaredRelu final : torch::autograd::Function<SquaredRelu> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x) {
    Tensor y;
    if (ours(x)) {
      const auto v = x.contiguous();
      y = torch::empty_like(v);
      AT_DISPATCH_FLOATING_TYPES(v.scalar_type(), "squared_relu", [&] {
        parallel(v.numel(), grain, [&](int64_t begin, int64_t end) {
          square_all(end - begin, v.const_data_ptr<scalar_t>() + begin, y.mutable_data_ptr<scalar_t>() + begin);
        });
      });
    } else {
      y = at::relu(x).square_();
    }
    ctx->save_for_backward({y});
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto y = ctx->get_saved_variables()[0];
    if (!ours(y)) return {y.sqrt().mul_(gradients[0]).mul_(2)};
    const auto dy = gradients[0].contiguous(), dx = torch::empty_like(y);
    AT_DISPATCH_FLOATING_TYPES(y.scalar_type(), "squared_relu", [&] {
      parallel(y.numel(), grain, [&](int64_t begin, int64_t end) {
        square_all_backward(end - begin, y.const_data_ptr<scalar_t>() + begin, dy.const_data_ptr<scalar_t>() + begin,
                            dx.mutable_data_ptr<scalar_t>() + begin);
      });
    });
    return {dx};
  }
};

}  // namespace

Tensor gated(const Tensor& gate, const Tensor& x) {
  return ours(gate) && gate.scalar_type() == x.scalar_type() ? Gated::apply(gate, x) : torch::sigmoid(gate) * x;
}

Tensor squared_relu(const Tensor& x) { return SquaredRelu::apply(x); }

}  // namespace lvm
