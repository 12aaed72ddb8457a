"""How much is trained and measured. One budget holds for all rows: the same frames, steps, batch,
crop and loss weights."""

COMMON = {
    # What the paper's method has not: learned texture, intra pictures, interpolated frames, stills.
    "texture_channels": 0, "key_share": 0, "interpolator_share": 0, "still_share": 0,
    # One operating point, that of the streams (prepare.py): coded frames one after the other.
    "finest_share": 1, "clusters": 16, "min_interval": 0.03, "max_interval": 0.12,
    "gan": "lsgan", "weight_spectrum": 0,
}

BUDGETS = {
    "tiny": {
        "about": "a few small frames, to see that all of it runs",
        "size": (96, 64), "train_frames": 12, "test_frames": 6, "train_clips": 2, "test_clips": 1,
        "colours": (2, 16, 64), "segmenter_side": 256,
        "generator": {"crop": 64, "batch": 1, "steps": 10, "image_steps": 3, "gan_start": 5,
                      "gan_patch": 48, "discriminator_channels": 8, "log_every": 5,
                      "learning_rate": 2e-3, "ema": 0.9, "channels_half": 16,
                      "channels_quarter": 16, "channels_eighth": 32, "channels_bottleneck": 48,
                      "baseline_channels": 8, "baseline_downsamplings": 2, "baseline_blocks": 2,
                      "weight_lpips": 0, "weight_vgg": 0.1, "bf16": False},
    },
    "5m": {
        "about": "five minutes on two cores: every row filled, nothing learnt to speak of",
        "size": (128, 80), "train_frames": 24, "test_frames": 8, "train_clips": 5,
        "test_clips": 2, "colours": (2, 4, 8, 16, 32, 64), "segmenter_side": 384,
        "generator": {"crop": 64, "batch": 1, "steps": 60, "image_steps": 20, "gan_start": 30,
                      "gan_patch": 48, "discriminator_channels": 8, "log_every": 10,
                      "learning_rate": 2e-3, "ema": 0.95, "channels_half": 16,
                      "channels_quarter": 16, "channels_eighth": 32, "channels_bottleneck": 48,
                      "baseline_channels": 8, "baseline_downsamplings": 2, "baseline_blocks": 2,
                      "bf16": False},
    },
    "20m": {
        "about": "twenty minutes on two cores",
        "size": (192, 112), "train_frames": 60, "test_frames": 16, "train_clips": 12,
        "test_clips": 2, "colours": (2, 4, 8, 16, 32, 64), "segmenter_side": 768,
        "generator": {"crop": 64, "batch": 1, "steps": 500, "image_steps": 150, "gan_start": 300,
                      "gan_patch": 64, "discriminator_channels": 16, "log_every": 50,
                      "learning_rate": 1e-3, "ema": 0.99, "channels_half": 24,
                      "channels_quarter": 32, "channels_eighth": 64, "channels_bottleneck": 96,
                      "baseline_channels": 16, "baseline_downsamplings": 3, "baseline_blocks": 4},
    },
    "2h": {
        "about": "two hours on two cores",
        "size": (256, 144), "train_frames": 120, "test_frames": 30, "train_clips": 24,
        "test_clips": 3, "colours": (2, 4, 8, 16, 32, 64), "segmenter_side": 768,
        "generator": {"crop": 96, "batch": 1, "steps": 2000, "image_steps": 600,
                      "gan_start": 1200, "gan_patch": 96, "discriminator_channels": 24,
                      "log_every": 50, "learning_rate": 7e-4, "ema": 0.995,
                      "baseline_channels": 24, "baseline_downsamplings": 3,
                      "baseline_blocks": 6},
    },
    "paper": {
        "about": "the paper's own setting: 512x256, networks as published, for several GPUs",
        "size": (512, 256), "train_frames": 0, "test_frames": 0, "train_clips": 0,
        "test_clips": 0, "colours": (2, 4, 8, 16, 32, 64), "segmenter_side": 1024,
        "generator": {"crop": 256, "batch": 4, "steps": 200000, "image_steps": 20000,
                      "gan_start": 20000, "gan_patch": 256, "discriminator_channels": 64,
                      "learning_rate": 2e-4, "ema": 0.999},
    },
}


def crop_multiple(options):
    """Sides of crops and frames that all networks of the budget take."""
    return 2 << options["generator"].get("baseline_downsamplings", 4)
