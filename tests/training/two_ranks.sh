# What the tests of two ranks train: after programs/common.sh, `source two_ranks.sh STEPS` leaves a
# frame store in $dir/store and the settings of a small network in $dir/two.toml.
steps=$1
clip 128x96 12 "$dir/clip.y4m"
"$bin/semcodec-train" prepare "$dir/clip.y4m" --output "$dir/store" --size 128x96 \
  --edges models/zoo/default/edges.safetensors -q

cat >"$dir/two.toml" <<TOML
device = "cpu"
threads = 1
[generator]
steps = $steps
image_steps = 2
gan_start = 3
batch = 2
crop = 64
gan_patch = 48
discriminator_channels = 8
log_every = 1
sample_every = 100
weight_lpips = 0.0
weight_vgg = 0.0
bf16 = false
channels_half = 16
channels_quarter = 16
channels_eighth = 32
channels_bottleneck = 48
TOML
