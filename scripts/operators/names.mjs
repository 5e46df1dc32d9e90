/** Operators of libtorch that `torch` and Tensor offer, by topic; those in place (`add_`) come with them where libtorch has them. */
export const OPERATORS = {
  'Element by element': `abs neg exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square sin cos tan asin acos atan sinh cosh tanh asinh acosh
    atanh atan2 sigmoid logit erf erfc erfinv lgamma digamma i0 sinc ceil floor round trunc frac sign sgn reciprocal positive add sub mul div
    floor_divide remainder fmod pow float_power clamp clamp_min clamp_max maximum minimum fmax fmin lerp addcmul addcdiv hypot nan_to_num
    logaddexp logaddexp2 xlogy copysign heaviside ldexp deg2rad rad2deg gcd lcm real imag conj angle polar complex`,
  Comparisons: `eq ne lt le gt ge isclose isnan isinf isfinite isposinf isneginf logical_and logical_or logical_not logical_xor bitwise_and
    bitwise_or bitwise_not bitwise_xor bitwise_left_shift bitwise_right_shift where masked_fill equal allclose isin`,
  Reductions: `sum mean prod var std var_mean std_mean amax amin aminmax max min argmax argmin all any nansum nanmean median nanmedian mode
    logsumexp norm cumsum cumprod cummax cummin logcumsumexp count_nonzero quantile nanquantile trace dist diff cov corrcoef`,
  'Sorting and counting': `sort argsort msort topk kthvalue histc bincount bucketize searchsorted unique_consecutive unique_dim`,
  Shapes: `reshape reshape_as view view_as flatten unflatten ravel squeeze unsqueeze transpose t permute movedim swapaxes expand expand_as
    broadcast_to broadcast_tensors repeat tile repeat_interleave flip fliplr flipud roll rot90 narrow select slice unfold split tensor_split
    chunk unbind cat stack hstack vstack dstack column_stack atleast_1d atleast_2d atleast_3d tril triu diag diagonal diag_embed diagflat
    block_diag cartesian_prod combinations meshgrid contiguous clone detach pad constant_pad_nd adjoint type_as`,
  Indexing: `index_select gather scatter scatter_add scatter_reduce masked_select masked_scatter take take_along_dim nonzero argwhere index_put
    index_add index_copy index_fill one_hot embedding`,
  'Linear algebra': `matmul mm bmm mv dot vdot inner outer addmm addmv addr baddbmm kron linalg_cross einsum tensordot linear bilinear cdist
    linalg_norm linalg_vector_norm linalg_matrix_norm linalg_inv linalg_pinv linalg_det linalg_slogdet linalg_solve linalg_solve_triangular
    linalg_lstsq linalg_eigh linalg_eigvalsh linalg_eig linalg_eigvals linalg_svd linalg_svdvals linalg_qr linalg_cholesky linalg_matrix_power
    linalg_matrix_exp linalg_matrix_rank linalg_cond linalg_multi_dot cholesky_solve cholesky_inverse`,
  'Neural networks': `relu relu6 leaky_relu elu selu celu gelu silu mish softplus hardtanh hardsigmoid hardswish log_sigmoid glu prelu
    threshold softmax log_softmax dropout layer_norm group_norm batch_norm rms_norm conv1d conv2d conv3d conv_transpose1d conv_transpose2d
    max_pool1d max_pool2d avg_pool1d avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d pixel_shuffle scaled_dot_product_attention
    cosine_similarity pairwise_distance`,
  Losses: `mse_loss l1_loss smooth_l1_loss huber_loss cross_entropy_loss nll_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div
    cosine_embedding_loss triplet_margin_loss margin_ranking_loss soft_margin_loss poisson_nll_loss`,
  'Fourier transforms': `fft_fft fft_ifft fft_rfft fft_irfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_fftn fft_ifftn fft_fftshift
    fft_ifftshift fft_fftfreq fft_rfftfreq`,
  'Random numbers': `rand randn randint randperm normal bernoulli multinomial rand_like randn_like randint_like uniform random exponential`,
  'New tensors': `zeros ones full eye arange linspace logspace zeros_like ones_like full_like tril_indices triu_indices fill zero copy`,
}
/** Functions of `torch` whose first tensor is not what a method would be called on. */
export const FUNCTIONS_ONLY = ['where', 'complex', 'polar', 'scalar_tensor']
