CREATE TABLE `tailnet_removals` (
	`stable_id` text PRIMARY KEY NOT NULL,
	`device` text NOT NULL,
	`since` integer NOT NULL,
	`error` text
);
