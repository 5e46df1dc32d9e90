#include "multiply.h"

#include "few-rows.h"
#include "shortest-time.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace lvm {
namespace {

thread_local Multiplier chosen = Multiplier::aten;

using LinearPointwise = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&, std::string_view,
                               c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

// oneDNN's product is inside libtorch, but only the dispatcher can call it.
Tensor onednn_product(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  static const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("mkldnn::_linear_pointwise", "").typed<LinearPointwise>();
  return op.call(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, "none", c10::List<std::optional<at::Scalar>>(),
                 "");
}

// oneDNN falls back to a slow reference loop for rows with gaps between them.
Tensor dense(const Tensor& x) { return x.is_contiguous() || x.t().is_contiguous() ? x : x.contiguous(); }

Tensor flat(const Tensor& x) { return x.dim() == 2 ? x : x.reshape({-1, x.size(-1)}); }

std::vector<int64_t> with_last(const Tensor& x, int64_t last) {
  auto shape = x.sizes().vec();
  shape.back() = last;
  return shape;
}

// dyᵀ a, in the memory layout of the weight, so that no later step transposes it.
// Shapes: a [n, in], dy [n, out] -> [out, in]
Tensor weight_gradient(const Tensor& dy, const Tensor& a, const Tensor& weight) {
  return weight.is_contiguous() ? product(dy.t(), a.t()) : product(a.t(), dy.t()).t();
}

// In the dtype of the weight, whatever the dtype of the product.
Tensor as(const Tensor& gradient, const Tensor& like) { return gradient.to(like.scalar_type()); }

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Multiply final : torch::autograd::Function<Multiply> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
    const auto a = as_factor(flat(x)), w = as_factor(weight);
    ctx->save_for_backward({a, w});
    ctx->saved_data["shape"] = x.sizes().vec();
    ctx->saved_data["bias"] = bias.has_value();
    ctx->saved_data["x_type"] = x.scalar_type();
    ctx->saved_data["w_type"] = weight.scalar_type();
    return product(a, w, bias ? as_factor(*bias) : Tensor()).view(with_last(x, weight.size(0)));
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto& a = saved[0];
    const auto& w = saved[1];
    const auto dy = flat(gradients[0]).to(a.scalar_type());
    const auto w_type = ctx->saved_data["w_type"].toScalarType();
    Tensor dx, dw, db;
    if (ctx->needs_input_grad(0))
      dx = product(dy, w.t()).view(ctx->saved_data["shape"].toIntVector()).to(ctx->saved_data["x_type"].toScalarType());
    if (ctx->needs_input_grad(1)) dw = weight_gradient(dy, a, w).to(w_type);
    if (ctx->saved_data["bias"].toBool()) db = dy.sum(0, false, w_type);
    return {dx, dw, db};
  }
};

struct MultiplySplit final : torch::autograd::Function<MultiplySplit> {
  static variable_list forward(AutogradContext* ctx, const Tensor& a, const Tensor& m, const Tensor& weight, const Tensor& bias,
                               int64_t rows) {
    const auto fa = as_factor(flat(a)), fm = as_factor(flat(m)), w = as_factor(weight), b = as_factor(bias);
    ctx->save_for_backward({fa, fm, w, a, m});
    ctx->saved_data["rows"] = rows;
    ctx->saved_data["w_type"] = weight.scalar_type();
    const auto rest = w.size(0) - rows;
    return {product(fa, w.narrow(0, 0, rows), b.narrow(0, 0, rows)).view(with_last(a, rows)),
            product(fm, w.narrow(0, rows, rest), b.narrow(0, rows, rest)).view(with_last(m, rest))};
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &fa = saved[0], &fm = saved[1], &w = saved[2];
    const auto rows = ctx->saved_data["rows"].toInt(), rest = w.size(0) - rows;
    const auto w_type = ctx->saved_data["w_type"].toScalarType();
    const auto dq = flat(gradients[0]).to(fa.scalar_type()), dkv = flat(gradients[1]).to(fm.scalar_type());
    const auto da = as(product(dq, w.narrow(0, 0, rows).t()).view(saved[3].sizes()), saved[3]);
    const auto dm = as(product(dkv, w.narrow(0, rows, rest).t()).view(saved[4].sizes()), saved[4]);
    const auto dw = torch::cat({product(dq.t(), fa.t()), product(dkv.t(), fm.t())}).to(w_type);
    return {da, dm, dw, torch::cat({dq.sum(0, false, w_type), dkv.sum(0, false, w_type)}), Tensor()};
  }
};

}  // namespace

void set_multiplier(Multiplier kind) { chosen = kind; }

MultiplierTimes time_multipliers() {
  torch::NoGradGuard no_grad;
  const auto x = torch::ones({160, 512}), w = torch::ones({2048, 512}), dy = torch::ones({160, 2048});
  const auto all = [&](auto multiply) { multiply(x, w), multiply(dy, w.t()), multiply(dy.t(), x.t()); };
  return {shortest_milliseconds([&] { all([](const Tensor& a, const Tensor& b) { return at::linear(a, b); }); }),
          shortest_milliseconds([&] { all([](const Tensor& a, const Tensor& b) { return onednn_product(a, b, {}); }); })};
}

ProductTimes time_products(Multiplier kind, int64_t rows, int64_t out, int64_t in, torch::Dtype dtype) {
  torch::NoGradGuard no_grad;
  const auto x = torch::ones({rows, in}, dtype), w = torch::ones({out, in}, dtype), dy = torch::ones({rows, out}, dtype);
  return {shortest_milliseconds([&] { product_by(kind, x, w); }), shortest_milliseconds([&] { product_by(kind, dy, w.t()); }),
          shortest_milliseconds([&] { product_by(kind, dy.t(), x.t()); })};
}

bool bf16_products(torch::Device device) { return at::autocast::is_autocast_enabled(device.type()); }

Tensor as_factor(const Tensor& x) {
  return bf16_products(x.device()) ? x.to(at::autocast::get_autocast_dtype(x.device().type())) : x;
}

Tensor product(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return few_rows(x, weight) ? few_rows_product(x, weight, bias) : product_by(chosen, x, weight, bias);
}

Tensor product_by(Multiplier kind, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const at::AutoDispatchBelowAutograd below;
  // libtorch may be built without oneDNN.
  static const bool there = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""}).has_value();
  if (kind == Multiplier::onednn && there && x.is_cpu() && x.scalar_type() == torch::kFloat32)
    return onednn_product(dense(x), dense(weight), bias);
  c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
}

Tensor product(const Tensor& x, const Packed& weight, const Tensor& bias) {
  const auto y = weight.product(flat(x).to(torch::kFloat32).contiguous(), bias);
  return x.dim() == 2 ? y : y.view(with_last(x, weight.out));
}

Tensor multiply(const Tensor& x, const Matrix& weight, const Tensor& bias) {
  if (weight.packed.empty()) return Multiply::apply(x, weight.matrix(), bias.defined() ? std::optional(bias) : std::nullopt);
  return product(x, *weight.packed.front(), bias);
}

std::pair<Tensor, Tensor> multiply_split(const Tensor& a, const Tensor& m, const Matrix& weight, const Tensor& bias) {
  const auto rows = weight.first;
  if (!weight.packed.empty())
    return {product(a, *weight.packed[0], bias.narrow(0, 0, rows)),
            product(m, *weight.packed[1], bias.narrow(0, rows, bias.size(0) - rows))};
  const auto out = MultiplySplit::apply(a, m, weight.value, bias, rows);
  return {out[0], out[1]};
}

}  // namespace lvm
