CREATE TABLE `tailnet_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`device` text NOT NULL,
	`device_name` text NOT NULL,
	`ephemeral` integer NOT NULL,
	`reusable` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoke_at` integer,
	`revoked_at` integer,
	`revoke_error` text
);
--> statement-breakpoint
CREATE INDEX `tailnet_keys_device` ON `tailnet_keys` (`device`);--> statement-breakpoint
CREATE TABLE `tailnet_nodes` (
	`stable_id` text PRIMARY KEY NOT NULL,
	`device` text NOT NULL,
	`address4` text NOT NULL,
	`address6` text,
	`ephemeral` integer NOT NULL,
	`run` text,
	`created_at` integer NOT NULL,
	`last_seen_at` integer,
	FOREIGN KEY (`device`) REFERENCES `devices`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `tailnet_nodes_device` ON `tailnet_nodes` (`device`);--> statement-breakpoint
CREATE UNIQUE INDEX `tailnet_nodes_run` ON `tailnet_nodes` (`run`);