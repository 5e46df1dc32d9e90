#include "token-shift.h"

#include "../parallel.h"
#include "../simd.h"
#include "at-least-float32.h"
#include "multiply.h"

#include <ATen/Dispatch.h>

namespace lvm {
namespace {

template <typename F>
LVM_INLINE void mix_row(int64_t n, const F* now, const F* before, const F* mix, F* out) {
  LVM_INDEPENDENT
  for (int64_t c = 0; c < n; ++c) out[c] = now[c] * mix[c] + before[c] * (1 - mix[c]);
}

// Gradients of a row, from those of its mixture (`here`) and of the next row's mixture (`next`); either may be null.
template <typename F>
LVM_INLINE void mix_row_backward(int64_t n, const F* now, const F* before, const F* mix, const F* here, const F* next, F* dx,
                                 F* dmix) {
  if (here != nullptr) {
    LVM_INDEPENDENT
    for (int64_t c = 0; c < n; ++c) dx[c] += here[c] * mix[c], dmix[c] += here[c] * (now[c] - before[c]);
  }
  if (next != nullptr) {
    LVM_INDEPENDENT
    for (int64_t c = 0; c < n; ++c) dx[c] += next[c] * (1 - mix[c]);
  }
}

using Floats = float*;
using Constants = const float*;
LVM_CLONES void mixed_row(int64_t n, Constants now, Constants before, Constants mix, Floats out) {
  mix_row(n, now, before, mix, out);
}
LVM_CLONES void mixed_row_backward(int64_t n, Constants now, Constants before, Constants mix, Constants here, Constants next,
                                   Floats dx, Floats dmix) {
  mix_row_backward(n, now, before, mix, here, next, dx, dmix);
}
void mixed_row(int64_t n, const double* now, const double* before, const double* mix, double* out) {
  mix_row(n, now, before, mix, out);
}
void mixed_row_backward(int64_t n, const double* now, const double* before, const double* mix, const double* here,
                        const double* next, double* dx, double* dmix) {
  mix_row_backward(n, now, before, mix, here, next, dx, dmix);
}

// Rows of the input, each with the row before it.
// Shapes: x [batch, time, d], past [batch, d]
struct Rows {
  Rows(const Tensor& input, const Tensor& before) {
    x = wide(input).contiguous();
    past = wide(before).contiguous();
  }
  template <typename F>
  const F* now(int64_t row) const {
    return x.const_data_ptr<F>() + row * x.size(2);
  }
  template <typename F>
  const F* before(int64_t row) const {
    return row % x.size(1) > 0 ? now<F>(row - 1) : past.const_data_ptr<F>() + row / x.size(1) * x.size(2);
  }
  Tensor x, past;
};

template <typename Work>
void over_rows(int64_t rows, int64_t width, Work work) {
  parallel(rows, std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
    for (auto row = begin; row < end; ++row) work(row);
  });
}

// Shapes: mix [1, 1, d] -> [batch · (time − from), d]
Tensor mixture(const Rows& rows, const Tensor& mix, int64_t from) {
  const auto time = rows.x.size(1), count = time - from, width = rows.x.size(2);
  const auto m = mix.to(rows.x.scalar_type()).contiguous(), out = torch::empty({rows.x.size(0) * count, width}, m.options());
  AT_DISPATCH_FLOATING_TYPES(m.scalar_type(), "token_shift", [&] {
    over_rows(out.size(0), width, [&](int64_t i) {
      const auto row = i / count * time + from + i % count;
      mixed_row(width, rows.now<scalar_t>(row), rows.before<scalar_t>(row), m.const_data_ptr<scalar_t>(),
                out.mutable_data_ptr<scalar_t>() + i * width);
    });
  });
  return out;
}

// Adds the gradient of the input to dx and returns that of the mix.
// Shapes: dy [batch · (time − from), d]
Tensor mixture_backward(const Rows& rows, const Tensor& mix, int64_t from, const Tensor& dy, const Tensor& dx) {
  const auto time = rows.x.size(1), count = time - from, width = rows.x.size(2), all = rows.x.size(0) * time;
  const auto m = mix.to(rows.x.scalar_type()).contiguous();
  // A fixed number of partial sums, so that the result does not depend on the number of threads.
  const auto parts = std::min<int64_t>(all, 16);
  const auto dmix = torch::zeros({parts, width}, m.options());
  AT_DISPATCH_FLOATING_TYPES(m.scalar_type(), "token_shift", [&] {
    const auto* d = dy.const_data_ptr<scalar_t>();
    parallel(parts, std::max<int64_t>(1, 16384 * parts / (all * width + 1)), [&](int64_t begin, int64_t end) {
      for (auto row = begin * all / parts, part = begin; row < end * all / parts; ++row) {
        while (row >= (part + 1) * all / parts) ++part;
        const auto t = row % time, at = (row / time * count + t - from) * width;
        mixed_row_backward(width, rows.now<scalar_t>(row), rows.before<scalar_t>(row), m.const_data_ptr<scalar_t>(),
                           t >= from ? d + at : nullptr, t + 1 >= from && t + 1 < time ? d + at + width : nullptr,
                           dx.mutable_data_ptr<scalar_t>() + row * width, dmix.mutable_data_ptr<scalar_t>() + part * width);
      }
    });
  });
  return dmix.sum(0).view(mix.sizes());
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Products final : torch::autograd::Function<Products> {
  static variable_list forward(AutogradContext* ctx, const Tensor& x, at::TensorList mixes, at::TensorList weights,
                               const Tensor& past, const std::vector<int64_t>& from) {
    const Rows rows(x, past);
    variable_list out, kept{x, past};
    for (size_t j = 0; j < mixes.size(); ++j) {
      const auto w = as_factor(weights[j]);
      const auto y = product(mixture(rows, mixes[j], from[j]).to(w.scalar_type()), w);
      out.push_back(y.view({x.size(0), x.size(1) - from[j], w.size(0)}));
      kept.push_back(mixes[j]);
      kept.push_back(w);
    }
    ctx->save_for_backward(kept);
    ctx->saved_data["from"] = from;
    ctx->saved_data["type"] = weights[0].scalar_type();
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto& x = saved[0];
    const Rows rows(x, saved[1]);
    const auto from = ctx->saved_data["from"].toIntVector();
    const auto type = ctx->saved_data["type"].toScalarType();
    const auto dx = torch::zeros_like(rows.x);
    variable_list dmixes, dweights, out;
    for (size_t j = 0; j < from.size(); ++j) {
      const auto &mix = saved[2 + 2 * j], &w = saved[3 + 2 * j];
      const auto dy = gradients[j].to(w.scalar_type()).reshape({-1, w.size(0)});
      dweights.push_back(product(dy.t(), mixture(rows, mix, from[j]).to(w.scalar_type()).t()).to(type));
      const auto dmixture = product(dy, w.t()).to(dx.scalar_type()).contiguous();
      dmixes.push_back(mixture_backward(rows, mix, from[j], dmixture, dx).to(type));
    }
    out.push_back(dx.to(x.scalar_type()));
    out.insert(out.end(), dmixes.begin(), dmixes.end());
    out.insert(out.end(), dweights.begin(), dweights.end());
    out.resize(out.size() + 2);  // `past` and `from` have no gradient
    return out;
  }
};

}  // namespace

std::vector<Tensor> shifted_products(const Tensor& x, const Tensor& past, const std::vector<Shifted>& all) {
  variable_list mixes, weights;
  std::vector<int64_t> from;
  const auto is_packed = [](const Shifted& one) { return !one.weight->packed.empty(); };
  const auto packed = std::any_of(all.begin(), all.end(), is_packed);
  for (const auto& one : all) mixes.push_back(one.mix), weights.push_back(one.weight->value), from.push_back(one.from);
  const auto first = past.defined() ? past : x.new_zeros({x.size(0), x.size(2)});
  if (x.is_cpu() && !packed) return Products::apply(x, at::TensorList(mixes), at::TensorList(weights), first, from);
  if (x.is_cpu()) {
    const Rows rows(x, first);
    std::vector<Tensor> out;
    for (const auto& [mix, weight, at] : all)
      out.push_back(multiply(mixture(rows, mix, at).view({x.size(0), x.size(1) - at, x.size(2)}), *weight, {}));
    return out;
  }
  const auto before = torch::cat({first.unsqueeze(1), x.narrow(1, 0, x.size(1) - 1)}, 1);
  std::vector<Tensor> out;
  for (const auto& [mix, weight, at] : all)
    out.push_back(multiply((x * mix + before * (1 - mix)).narrow(1, at, x.size(1) - at), *weight, {}));
  return out;
}

}  // namespace lvm
