"""Device permits (デバイス制御, DEV-01 … DEV-06, DEV-11, DEV-12) and the register of devices with their whole history."""
