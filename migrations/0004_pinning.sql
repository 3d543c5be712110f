ALTER TABLE `devices` ADD `pin` text;--> statement-breakpoint
ALTER TABLE `devices` ADD `blocked_reason` text;