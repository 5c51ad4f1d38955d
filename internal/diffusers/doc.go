// Package diffusers reads model folders of the diffusers library: UNet2DModel with the
// configuration of DDPMScheduler or DDIMScheduler, in a folder, a zip or any fs.FS. What
// is not supported is refused by its name when the folder is opened.
//
// A folder is that of a pipeline, with model_index.json, unet and scheduler, or one with
// config.json, the weights and scheduler_config.json beside each other.
package diffusers
