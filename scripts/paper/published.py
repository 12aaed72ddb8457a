"""The figures of the seed paper (Xie et al., Video Reconstruction with Multimodal Information), as
printed there. Its PSNR in Table I is above any that 8-bit pictures with the MSE beside it can have
(an MSE of 537 is 20.8 dB), so only its SSIM and MSE can be set beside ours."""

# input -> dataset -> figures
TABLE1 = {
    "edges": {"Cityscapes": {"psnr": 117.7, "ssim": 0.68, "mse": 537},
              "Apolloscape": {"psnr": 93.2, "ssim": 0.49, "mse": 1786}},
    "labels": {"Cityscapes": {"psnr": 112.6, "ssim": 0.5, "mse": 1869},
               "Apolloscape": {"psnr": 86.9, "ssim": 0.31, "mse": 2343}},
    "sketch": {"Cityscapes": {"psnr": 114.3, "ssim": 0.566, "mse": 1242},
               "Apolloscape": {"psnr": 89.4, "ssim": 0.45, "mse": 1956}},
    "colour": {"Cityscapes": {"psnr": 123.3, "ssim": 0.73, "mse": 232},
               "Apolloscape": {"psnr": 101.9, "ssim": 0.53, "mse": 697}},
}

# method -> figures, on Cityscapes
TABLE2 = {
    "vid2vid": {"psnr": 16.997, "ssim": 0.494, "fid": 77.892, "kid": 0.0593, "kid_std": 0.0032},
    "fast-vid2vid": {"psnr": 14.356, "ssim": 0.450, "fid": 69.352, "kid": 0.0623,
                     "kid_std": 0.0029},
    "pix2pixHD": {"psnr": 19.375, "ssim": 0.494, "fid": 205.168, "kid": 0.2411, "kid_std": 0.0082},
    "ours-without-colour": {"psnr": 21.916, "ssim": 0.630, "fid": 66.574, "kid": 0.0343,
                            "kid_std": 0.0039},
    "ours": {"psnr": 23.182, "ssim": 0.700, "fid": 53.341, "kid": 0.0439, "kid_std": 0.0026},
}
