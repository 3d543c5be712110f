CREATE TABLE `actions` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`flow` text NOT NULL,
	`device` text,
	`node` text,
	`user` text,
	`source` text,
	`target` text,
	`target_name` text,
	`profile` text,
	`endpoint` text,
	`protocol` text NOT NULL,
	`credential` text,
	`title` text NOT NULL,
	`facts` text NOT NULL,
	`unknowns` text,
	`verdict` text NOT NULL,
	`decided_by` text NOT NULL,
	`rule` text,
	`cause` text,
	`reason` text,
	`status` text,
	`error` text,
	`bytes_up` integer DEFAULT 0 NOT NULL,
	`bytes_down` integer DEFAULT 0 NOT NULL,
	`opened_at` integer NOT NULL,
	`closed_at` integer,
	`duration_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `actions_id` ON `actions` (`id`);--> statement-breakpoint
CREATE INDEX `actions_opened_at` ON `actions` (`opened_at`);--> statement-breakpoint
CREATE INDEX `actions_device` ON `actions` (`device`,`seq`);--> statement-breakpoint
CREATE INDEX `actions_endpoint` ON `actions` (`endpoint`,`seq`);--> statement-breakpoint
CREATE INDEX `actions_denied` ON `actions` (`seq`) WHERE verdict = 'deny';--> statement-breakpoint
CREATE INDEX `actions_open` ON `actions` (`seq`) WHERE closed_at IS NULL;--> statement-breakpoint
CREATE TABLE `counters` (
	`name` text PRIMARY KEY NOT NULL,
	`value` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `devices` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`profile` text,
	`transport` text NOT NULL,
	`approved_by` text NOT NULL,
	`approved_at` integer NOT NULL,
	`blocked` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL,
	`last_seen_at` integer,
	`external4` text,
	`external6` text
);
--> statement-breakpoint
CREATE INDEX `devices_name` ON `devices` (`name`);--> statement-breakpoint
CREATE TABLE `names` (
	`id` integer PRIMARY KEY NOT NULL,
	`hostname` text NOT NULL,
	`allocated_at` integer NOT NULL,
	`freed_at` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `names_hostname` ON `names` (`hostname`);--> statement-breakpoint
CREATE TABLE `samples` (
	`id` integer PRIMARY KEY NOT NULL,
	`action` integer NOT NULL,
	`kind` text NOT NULL,
	`bytes` blob NOT NULL,
	`total` integer NOT NULL,
	`sha256` text,
	`content_type` text,
	`at` integer NOT NULL,
	FOREIGN KEY (`action`) REFERENCES `actions`(`seq`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `samples_action` ON `samples` (`action`);--> statement-breakpoint
CREATE TABLE `sealed` (
	`scope` text NOT NULL,
	`name` text NOT NULL,
	`slot` text NOT NULL,
	`wrapped_key` blob NOT NULL,
	`value` blob NOT NULL,
	`updated_at` integer NOT NULL,
	PRIMARY KEY(`scope`, `name`, `slot`)
);
--> statement-breakpoint
CREATE TABLE `settings` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`device` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	FOREIGN KEY (`device`) REFERENCES `devices`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `tokens_device` ON `tokens` (`device`);--> statement-breakpoint
CREATE TABLE `wg_peers` (
	`public_key` text PRIMARY KEY NOT NULL,
	`device` text NOT NULL,
	`host` integer NOT NULL,
	`address4` text NOT NULL,
	`address6` text NOT NULL,
	`ephemeral` integer NOT NULL,
	`run` text,
	`created_at` integer NOT NULL,
	`last_seen_at` integer,
	FOREIGN KEY (`device`) REFERENCES `devices`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `wg_peers_host` ON `wg_peers` (`host`);--> statement-breakpoint
CREATE UNIQUE INDEX `wg_peers_address4` ON `wg_peers` (`address4`);--> statement-breakpoint
CREATE UNIQUE INDEX `wg_peers_address6` ON `wg_peers` (`address6`);--> statement-breakpoint
CREATE INDEX `wg_peers_device` ON `wg_peers` (`device`);--> statement-breakpoint
CREATE UNIQUE INDEX `wg_peers_run` ON `wg_peers` (`run`);